# reframe -c launch/packaging/reframe_ptrain.py -r -S modules=ptrain
# The same run in several layouts of a system's nodes; its sanity is that all weights are equal.
# Set `tasks` and `prerun_cmds` for your system, and run it again after each change of MPI or CPU.
import reframe as rfm
import reframe.utility.sanity as sn


@rfm.simple_test
class PtrainAlone(rfm.RunOnlyRegressionTest):
    """One server and one worker: the weights that others are compared with."""

    descr = "ptrain: a run with one worker"
    valid_systems = ["*"]
    valid_prog_environs = ["*"]
    executable = "ptrain"
    num_tasks = 2
    prerun_cmds = [
        "rm -rf images photos.h5 run",
        "ptrain demo-data images --seed 1 --source-per-class 1 --source-test-per-class 1 "
        "--target-per-class 8 --target-test-per-class 3",
        "ptrain pack images/target photos.h5",
    ]
    executable_opts = ["train", "ptrain:quickstart/base", "--set", "data.path=photos.h5",
                       "--set", "stages.0.epochs=4", "--set", "run.dir=run"]
    keep_files = ["run/result.json"]

    @run_before("sanity")
    def find_hash(self):
        self.hash = sn.extractsingle(r'"weight_hash": "(\w+)"', "run/result.json", 1)

    @sanity_function
    def has_a_hash(self):
        return sn.assert_true(self.hash)

    @performance_function("images/s")
    def speed(self):
        return sn.extractsingle(r"time [\d.]+ s, ([\d.]+) images/s", self.stdout, 1, float)


@rfm.simple_test
class PtrainSameBits(PtrainAlone):
    """The same weights from any number of ranks and servers."""

    descr = "ptrain: the same weights in another layout"
    tasks = parameter([3, 5, 9])
    alone = fixture(PtrainAlone, scope="environment")

    @run_after("init")
    def set_tasks(self):
        self.num_tasks = self.tasks

    @sanity_function
    def has_the_same_hash(self):
        there = sn.extractsingle(r'"weight_hash": "(\w+)"',
                                 self.alone.stagedir + "/run/result.json", 1)
        return sn.assert_eq(self.hash, there)
