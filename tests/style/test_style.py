"""Each rule of style.py on small made trees: it is content with a good one and finds the
fault of each bad one."""
import os
import tempfile
import unittest

import style

# A tree that every rule is content with.
GOOD = {
    "CMakeLists.txt": "add_subdirectory(common)\n",
    "proto/README.md": "| file | holds |\n|---|---|\n| config.proto | keys |\n",
    "proto/config.proto": "message Config {}\n",
    "common/CMakeLists.txt": "add_library(pt_common STATIC base/clock.c base/clock_set.c)\n",
    "common/base/README.md": "| module | is |\n|---|---|\n| clock, clock_* | time |\n",
    "common/base/clock.h": "double pt_clock(void);\n",
    "common/base/clock_private.h": '#include "common/base/clock.h"\n',
    "common/base/clock.c": '#include "common/base/clock_private.h"\n#include <time.h>\n\n'
                           "double pt_clock(void)\n{\n    return 0;\n}\n",
    "common/base/clock_set.c": '#include "common/base/clock_private.h"\n',
    "server/README.md": "| module | is |\n|---|---|\n| `store` | keys |\n",
    "server/CMakeLists.txt": "add_library(pt_server STATIC store.c)\n",
    "server/store.c": '#include "common/base/clock.h"\n#include "proto/config.pb-c.h"\n',
    "worker/README.md": "| module | is |\n|---|---|\n| step | a step |\n",
    "worker/step.h": '#include "common/base/clock.h"\n',
    "tests/CMakeLists.txt": "pt_test(NAME common.clock SOURCES common/test_clock.c)\n",
    "tests/common/test_clock.c": '#include "common/base/clock.h"\n#include <cmocka.h>\n',
    "tests/mutations.sh": "mutation stands_still common.clock common/base/clock.c <<'M'\n"
                          "- return 0;\n+ return 1;\nM\n",
}


# A table with one method, which has a file in the worker.
METHOD = {
    "common/config/README.md": "| module | is |\n|---|---|\n| methods | the table |\n",
    "common/config/methods.h": '#define PT_METHOD_LIST(X) X(FNP, fnp, NO, YES, NO, "regularizers.fnp.weight")\n',
    "worker/CMakeLists.txt": "add_library(pt_worker STATIC objective/fnp.c)\n",
    "worker/objective/README.md": "| file | is |\n|---|---|\n| fnp | FNP |\n",
    "worker/objective/fnp.c": "double w = c->regularizers->fnp->weight;\n",
}


def body(lines):
    return "static void f(void)\n{\n" + "    g();\n" * lines + "}\n"


class Rules(unittest.TestCase):
    def faults(self, files, **options):
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**GOOD, **files}.items():
                if text is None:
                    continue
                os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                    f.write(text)
            return style.faults(style.Tree(root), **{"left": {}, "allowed": {}, **options})

    def finds(self, files, *faults):
        self.assertEqual(self.faults(files), sorted(faults))

    def test_includes_out_of_order(self):
        self.finds({"server/store.c": '#include "proto/config.pb-c.h"\n'
                                      '#include "common/base/clock.h"\n'},
                   'server/store.c: #include "common/base/clock.h" is out of order')

    def test_a_good_tree_has_no_faults(self):
        self.finds({})

    def test_common_does_not_include_the_server(self):
        self.finds({"server/store.h": "", "common/base/clock.h": '#include "server/store.h"\n'},
                   "common/base/clock.h: includes server/store.h, which is not below it",
                   "circle: common/base/clock server/store")

    def test_server_and_worker_do_not_include_each_other(self):
        self.finds({"server/store.h": '#include "worker/step.h"\n'},
                   "server/store.h: includes worker/step.h, which is not below it")
        self.finds({"server/store.h": "", "worker/step.h": '#include "server/store.h"\n'},
                   "worker/step.h: includes server/store.h, which is not below it")

    def test_the_program_does_not_include_its_tests(self):
        self.finds({"tests/support/plain.h": "", "worker/step.h": '#include "tests/support/plain.h"\n'},
                   "worker/step.h: includes tests/support/plain.h, which is not below it")

    def test_includes_start_at_the_root(self):
        self.finds({"server/store.h": "", "server/store.c": '#include "store.h"\n'},
                   "server/store.c: includes store.h, which is no path from the root")

    def test_a_circle_is_found_through_sources_and_headers(self):
        self.finds({"server/CMakeLists.txt": "store.c gather.c\n",
                    "server/README.md": "| module |\n|---|\n| store, gather, sums |\n",
                    "server/store.h": "", "server/store.c": '#include "server/gather.h"\n',
                    "server/gather.h": '#include "server/sums.h"\n', "server/gather.c": "",
                    "server/sums.h": '#include "server/store.h"\n'},
                   "circle: server/gather server/store server/sums")

    def test_a_circle_may_be_allowed_and_only_while_it_is_one(self):
        files = {"server/store.h": '#include "server/gather.h"\n',
                 "server/gather.h": '#include "server/store.h"\n',
                 "server/README.md": "| module |\n|---|\n| store, gather |\n"}
        self.finds(files, "circle: server/gather server/store")
        circle = ("server/store", "server/gather")
        self.assertEqual(self.faults(files, allowed={circle: ""}), [])
        for a, b in (("server/store", "common/base/clock"), ("common/base/clock", "server/store")):
            self.assertEqual(self.faults(files, allowed={circle: "", (a, b): ""}),
                             [f"{a} -> {b}: allowed as part of a circle, and there is none"])

    def test_a_private_header_is_of_its_module(self):
        self.assertEqual(style.module("engine/net/net_internal.h"), "engine/net/net")
        self.assertEqual(style.module("engine/conv/internal.h"), "engine/conv/conv")
        self.assertEqual(style.module("engine/conv/exact.h"), "engine/conv/exact")

    def test_a_library_has_one_home(self):
        self.finds({"server/store.c": "#if 1\n#  include <mpi.h>\n#endif\n"},
                   "server/store.c: <mpi.h> has its home elsewhere")
        self.finds({"server/store.c": "#include <gsl/gsl_math.h>\n"},
                   "server/store.c: <gsl/gsl_math.h> has no home")

    def test_every_folder_has_a_readme(self):
        self.finds({"server/README.md": None}, "server/README.md: is missing")

    def test_a_readme_names_every_file(self):
        self.finds({"server/README.md": "| module |\n|---|\n| other |\n\nThe store.\n"},
                   "server/README.md: does not name store",
                   "server/README.md: names other, which is not there")
        self.finds({"server/README.md": "| module |\n|---|\n| * |\n"},
                   "server/README.md: does not name store",
                   "server/README.md: names *, which is not there")
        self.finds({"server/README.md": "| term |\n|---|\n| store |\n"},
                   "server/README.md: does not name store")

    def test_a_readme_is_a_page(self):
        self.finds({"server/README.md": "| module |\n|---|\n| store |\n" + "\n" * 78},
                   "server/README.md: has more than 80 lines")

    def test_files_have_at_most_500_lines(self):
        self.finds({"server/store.c": "\n" * 500})
        self.finds({"server/store.c": "\n" * 501}, "server/store.c: has more than 500 lines")

    def test_functions_have_at_most_50_lines(self):
        self.finds({"server/store.c": body(50)})
        self.finds({"server/store.c": body(51)}, "server/store.c: f has more than 50 lines")
        self.finds({"tests/common/test_clock.c": body(80)})
        self.finds({"tests/common/test_clock.c": body(81)},
                   "tests/common/test_clock.c: f has more than 80 lines")

    def test_a_ruler_is_one_line(self):
        ruler = lambda n: "/* ---- reading " + "-" * (n - 19) + " */\n"
        self.finds({"server/store.c": ruler(89) + ruler(90)})
        for bad in (ruler(88), ruler(91), "/* ---- reading\n * ------- */\n",
                    ruler(90)[:-4] + "\n */\n", "/* ---- reading" + " " * 73 + "*/\n"):
            self.finds({"server/store.c": bad}, "server/store.c: the ruler 'reading' is broken")

    def test_parameters_are_not_hushed(self):
        self.finds({"server/store.c": "static void f(void **state)\n{\n    (void)state;\n}\n"},
                   "server/store.c: hushes state, of which nothing warns")

    def test_every_source_is_listed(self):
        self.finds({"server/CMakeLists.txt": "add_library(pt_server STATIC restore.c store.cpp)\n"},
                   "server/store.c: is in no CMakeLists.txt")
        self.finds({"server/CMakeLists.txt": "file(GLOB all *.c)\n# store.c\n"},
                   "server/CMakeLists.txt: globs")
        self.finds({"tests/support/plain.c": ""}, "tests/support/plain.c: is in no CMakeLists.txt")

    def test_a_mutation_is_of_a_line_that_is_there_once(self):
        row = "mutation m common.clock {} <<'M'\n- {}\nM\n".format
        self.finds({"tests/mutations.sh": row("common/clock.c", "return 0;")},
                   "tests/mutations.sh: m: there is no common/clock.c")
        self.finds({"tests/mutations.sh": row("common/base/clock.c", "return 2;")},
                   "tests/mutations.sh: m: its line is in common/base/clock.c 0 times, not once")
        self.finds({"common/base/clock_set.c": "x;\n  x;\n",
                    "tests/mutations.sh": row("common/base/clock_set.c", "x;")},
                   "tests/mutations.sh: m: its line is in common/base/clock_set.c 2 times, not once")

    def test_a_mutation_has_a_test(self):
        self.finds({"tests/mutations.sh": GOOD["tests/mutations.sh"].replace("common.clock", "common.cloc")},
                   "tests/mutations.sh: stands_still: there is no test common.cloc")

    def test_mutations_of_end_to_end_tests_may_have_a_list_of_their_own(self):
        row = "mutation m e2e.{} common/base/clock.c <<'M'\n- return 0;\nM\n".format
        lines = {"common/base/clock.c": "return 0;\n", "tests/mutations_of_x.sh": row("run")}
        self.finds(lines, "tests/mutations_of_x.sh: m: there is no test e2e.run")

    def test_a_method_has_the_files_of_its_line(self):
        self.finds({**METHOD, "worker/objective/README.md": None,
                    "worker/objective/fnp.c": None, "server/methods/fnp.c": "",
                    "server/methods/README.md": "", "server/CMakeLists.txt": "store.c methods/fnp.c\n"},
                   "common/config/methods.h: fnp says NO to server/methods/fnp.c",
                   "common/config/methods.h: fnp says YES to worker/objective/fnp.c",
                   "server/methods/README.md: does not name fnp")

    def test_a_method_is_known_to_its_own_files_alone(self):
        self.finds(METHOD)
        for text in ("int x = PT_METHOD_FNP;\n", "double x = c->regularizers->fnp->weight;\n",
                     'const char *x = "regularizers.fnp.weight";\n', "void pt_fnp_add(void);\n"):
            self.finds({**METHOD, "worker/step.h": text}, "worker/step.h: knows the method fnp")
        self.finds({**METHOD, "worker/step.h": "/* as FNP does */ int fnp;\n"})

    def test_a_fault_may_be_left_and_only_while_it_is_one(self):
        fault = "server/README.md: is missing"
        self.assertEqual(self.faults({"server/README.md": None}, left={fault: ""}), [])
        self.assertEqual(self.faults({}, left={fault: ""}),
                         [f"style.py: '{fault}' is no longer so; take it out of LEFT"])


if __name__ == "__main__":
    unittest.main()
