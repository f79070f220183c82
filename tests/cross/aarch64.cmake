# Cross-compiles for aarch64 with Debian's compiler against the libraries of PT_SYSROOT,
# which tests/cross/sysroot.sh fills.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES PT_SYSROOT)

set(CMAKE_SYSROOT ${PT_SYSROOT})
set(CMAKE_FIND_ROOT_PATH ${PT_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

set(pt_lib ${PT_SYSROOT}/usr/lib/aarch64-linux-gnu)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${PT_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} "${pt_lib}/pkgconfig:${pt_lib}/openblas-pthread/pkgconfig")

# The compiler wrappers on this machine's path would answer for this machine.

set(HDF5_C_COMPILER_EXECUTABLE OFF CACHE STRING "")
set(HDF5_C_INCLUDE_DIR ${PT_SYSROOT}/usr/include/hdf5/serial CACHE PATH "")
set(MPI_SKIP_COMPILER_WRAPPER TRUE CACHE BOOL "")
set(MPI_C_HEADER_DIR ${pt_lib}/openmpi/include CACHE PATH "")
set(MPI_C_LIB_NAMES mpi CACHE STRING "")
set(MPI_mpi_LIBRARY ${pt_lib}/openmpi/lib/libmpi.so CACHE FILEPATH "")

# Tests of a cross build run under this.
set(CMAKE_CROSSCOMPILING_EMULATOR "qemu-aarch64;-L;${PT_SYSROOT}")
