# When and beside what each test runs. ctest counts half cores here: run.sh gives it two
# slots for each core. A test has a core (2 slots) unless it is named below.

# Most of their time they wait, for mpirun, a deadline or a disk: half a core each.
set(PT_WAITING e2e.eval_ranks e2e.attention e2e.borrow e2e.doctor e2e.edges e2e.errors e2e.idle e2e.in_job
  e2e.run_dir e2e.scale e2e.submit e2e.train_graph e2e.validation e2e.watch
  faults.blocked faults.differ faults.flip faults.hdf5 faults.kills.1 faults.kills.21 faults.signals
  faults.start launch.pack multihost.hash multihost.stop server.checkpoint server.save_killed
  worker.run_nonfinite)

# They measure deadlines of seconds, or need two cores: beside them, on two cores, only what waits.
set(PT_ALONE faults.homes faults.orphans faults.oversubscribed faults.servers faults.silent faults.slow
  mpi.job.np4 multihost.cut)

# What `run.sh --quick` runs: README.md says which promise each is for.
set(PT_QUICK common.config common.config_print common.config_ranges common.dataset_damage
  common.tensor common.weights common.weights_model common.weights_names
  common.weights_readers common.weights_real cross.paths e2e.bench e2e.errors e2e.hash_frozen
  e2e.predict e2e.report e2e.validation faults.kills.quick launch.layouts mpi.job.np2
  server.algorithm1 style.rules style.tree worker.algorithm1 worker.method_pairs worker.methods
  worker.run_bits worker.run_resume)

# Threads without MPI, whose libraries no sanitizer has seen: for ThreadSanitizer.
set(PT_THREADS common.crc32c common.dataset common.pulse common.watchdog server.save_killed
  worker.algorithm1 worker.loader worker.net_bits worker.run worker.run_bits worker.run_factors
  worker.run_early worker.run_hosts worker.run_nonfinite worker.run_resume worker.run_traffic
  worker.threads)

# Seconds on two idle cores, so that the long ones start first in a clean checkout too.
# ctest knows the rest once it has run them.
set(PT_COSTS 106 faults.fuzz 75 faults.kills.1 66 faults.kills.21 45 faults.silent
  35 docs.commands 33 faults.servers 28 faults.disk 25 faults.signals 25 multihost.cut
  23 faults.blocked 22 e2e.errors 20 e2e.borrow 20 e2e.in_job 20 e2e.scale 20 e2e.sweep
  20 server.checkpoint 18 e2e.run_dir 17 e2e.foreign_weights 15 multihost.stop
  15 server.save_killed 15 e2e.train_graph 14 e2e.attention 13 e2e.hash_sync 13 e2e.servers
  13 worker.run_bits 13 faults.shuffle 12 worker.gemm 12 e2e.edges 12 worker.run_nonfinite
  11 faults.killed_calls 11 worker.kernel_bits 11 e2e.bf16 10 worker.methods 10 worker.net_without
  9 common.weights_damage 8 e2e.hash_frozen 8 launch.data_sets 8 worker.run_resume
  7 worker.run_edges 7 worker.run_traffic 5 e2e.hash_shard)

# pt_schedule(test label): the properties of a test that has been added
function(pt_schedule test label)
  set_property(GLOBAL APPEND PROPERTY PT_SCHEDULED ${test})
  set(labels ${label})
  if(test IN_LIST PT_QUICK)
    list(APPEND labels quick)
  endif()
  if(test IN_LIST PT_THREADS)
    list(APPEND labels threads)
  endif()
  list(FIND PT_COSTS ${test} at)
  set(seconds 0) # not known
  if(at GREATER 0)
    math(EXPR at "${at} - 1")
    list(GET PT_COSTS ${at} seconds)
  endif()
  set(slots 2)
  if(test IN_LIST PT_WAITING)
    set(slots 1)
  elseif(test IN_LIST PT_ALONE)
    set(slots 3)
    math(EXPR seconds "${seconds} + 1000") # first: at the end nothing is left to run beside them
  elseif(label MATCHES "^(long|slurm)$")
    set(slots 4)
  endif()
  set_tests_properties(${test} PROPERTIES LABELS "${labels}" PROCESSORS ${slots} COST ${seconds})
endfunction()

# pt_schedule_check(): every name above is a test
function(pt_schedule_check)
  get_property(tests GLOBAL PROPERTY PT_SCHEDULED)
  foreach(test ${PT_WAITING} ${PT_ALONE} ${PT_QUICK} ${PT_THREADS} ${PT_COSTS})
    if(NOT test MATCHES "^[0-9]+$" AND NOT test IN_LIST tests)
      message(SEND_ERROR "tests/schedule.cmake: there is no test ${test}")
    endif()
  endforeach()
endfunction()
