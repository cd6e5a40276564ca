#!/usr/bin/env python3
"""check_arrows.py must refuse each of these violations, and accept the same files without them."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

CHECKER = Path(__file__).resolve().parent / "check_arrows.py"


def run_on(files):
    """(exit code, output) of the checker on a tree with these files of src/."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            file = Path(folder, "src", name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        done = subprocess.run([sys.executable, CHECKER, folder], capture_output=True, text=True)
        return done.returncode, done.stdout


class Arrows(unittest.TestCase):
    def refuses(self, name, text, words):
        code, output = run_on({"core/fine.cc": '#include "core/error.h"\n', name: text})
        self.assertEqual(code, 1, output)
        self.assertIn(f"src/{name}:1: ", output)
        self.assertIn(words, output)

    def accepts(self, name, text):
        code, output = run_on({"core/fine.cc": "", name: text})
        self.assertEqual(code, 0, output)

    def test_arrow_upwards(self):
        self.refuses("core/a.cc", '#include "kernels/attention/attention.h"\n', "core/ may not include kernels/")
        self.refuses("kernels/a.h", '#include "io/json.h"\n', "kernels/ may not include io/")
        self.refuses("model/a.cc", '#include "inspect/trace.h"\n', "model/ may not include inspect/")
        self.refuses("inspect/a.cc", '#include "train/loss.h"\n', "inspect/ may not include train/")

    def test_arrow_downwards(self):
        self.accepts("app/a.cc", '#include "inspect/trace.h"\n#include "core/error.h"\n')
        self.accepts("model/deep/a.cc", '#include "model/deep/a.h"\n#include <vector>\n')

    def test_library_in_the_wrong_place(self):
        self.refuses("model/a.cc", "#include <hwy/highway.h>\n", "<hwy/highway.h> belongs to kernels/*")
        self.refuses("model/c.cc", '#include "hwy/highway.h"\n', "<hwy/highway.h> belongs to kernels/*")
        self.refuses("model/b.cc", "# include <hwy/base.h>\n", "<hwy/base.h> belongs to kernels/*")
        self.refuses("app/server.cc", "#include <boost/beast/http.hpp>\n", "app/http_request.cc")
        self.refuses("inspect/a.cc", "#include <CLI/CLI.hpp>\n", "app/*")
        self.refuses("io/a.cc", "#include <unicode/uchar.h>\n", "model/*")
        self.refuses("dist/local.cc", "#include <mpi.h>\n", "dist/mpi.cc")

    def test_library_in_its_place(self):
        self.accepts("kernels/a.cc", "#include <hwy/highway.h>\n#include <immintrin.h>\n")
        self.accepts("dist/mpi.cc", "#include <mpi.h>\n")
        self.accepts("core/a.cc", "#include <sys/mman.h>\n#include <cstdint>\n")

    def test_unknown(self):
        self.refuses("core/a.cc", "#include <boost/any.hpp>\n", "LIBRARIES")
        self.refuses("core/c.cc", "#include <png.h>\n", "LIBRARIES")
        self.refuses("core/b.cc", '#include "error.h"\n', "does not start with a folder")
        self.refuses("extra/a.cc", '#include "core/error.h"\n', "FOLDERS")

    def test_tests_are_free(self):
        self.accepts("core/a_test.cc", '#include "app/lab.h"\n')
        self.accepts("kernels/test_support.h", "#include <gtest/gtest.h>\n")

    def test_product_keeps_off_test_code(self):
        self.refuses("kernels/a.cc", "#include <gtest/gtest.h>\n", "LIBRARIES")
        self.refuses("kernels/b.cc", '#include "kernels/test_support.h"\n', "is for tests")

    def test_nothing_to_check_is_no_success(self):
        self.assertEqual(run_on({})[0], 1)


if __name__ == "__main__":
    unittest.main()
