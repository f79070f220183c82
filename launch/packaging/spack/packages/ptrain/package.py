# spack repo add launch/packaging/spack && spack install --test=root ptrain
import os

from spack.package import *

try:  # Spack 1.0 and later
    from spack_repo.builtin.build_systems.cmake import CMakePackage
except ImportError:
    pass


class Ptrain(CMakePackage):
    """Fine-tunes convolutional networks on clusters of CPUs with Pseudo-task Regularization; the
    weights have the same bits on any number of ranks."""

    # The checkout that holds this recipe.
    git = "file://" + os.path.realpath(os.path.join(os.path.dirname(__file__), *[".."] * 5))

    license("Apache-2.0")

    version("main", branch="main")

    variant("plan", default=False, description="`ptrain plan`: predictions by SimGrid")

    depends_on("c", type="build")
    depends_on("cmake@3.20:", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("protobuf", type="build")
    depends_on("mpi@3:")
    depends_on("openblas")
    depends_on("protobuf-c")
    depends_on("libfyaml")
    depends_on("libjpeg-turbo")
    depends_on("libpng")
    depends_on("libwebp")
    depends_on("giflib@5.1:")
    depends_on("libtiff@4.5:")
    depends_on("hdf5~mpi")
    depends_on("jansson")
    depends_on("libzip")
    depends_on("openssl")
    depends_on("zlib-api")
    depends_on("simgrid+smpi", when="+plan")
    depends_on("cmocka", type="test")
    depends_on("py-h5py", type="test")

    def cmake_args(self):
        return [self.define("PT_TESTS", self.run_tests)]

    def check(self):
        """The tests of modules; those of whole runs need ranks, and are for tests/run.sh."""
        with working_dir(self.build_directory):
            ctest("-L", "^unit$", "--output-on-failure")

    def test_version(self):
        """says its version"""
        ptrain = which(self.prefix.bin.ptrain)
        assert "ptrain" in ptrain("--version", output=str.split)

    def test_same_bits(self):
        """trains to the same hash with one worker and with two"""
        ptrain = which(self.prefix.bin.ptrain)
        ptrain("demo-data", "images", "--seed", "1", "--source-per-class", "1",
               "--source-test-per-class", "1", "--target-per-class", "4",
               "--target-test-per-class", "3")
        ptrain("pack", "images/target", "photos.h5")
        hashes = set()
        for workers in "1", "2":
            ptrain("train", "ptrain:quickstart/base", "--workers", workers,
                   "--set", "data.path=photos.h5", "--set", "stages.0.epochs=1",
                   "--set", "run.dir=run" + workers)
            with open(join_path("run" + workers, "result.json")) as f:
                hashes.add([line for line in f if "weight_hash" in line][0])
        assert len(hashes) == 1, hashes
