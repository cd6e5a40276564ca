#!/usr/bin/env python3
"""Who may use the lab: with a token, and where it may listen without one."""
import os
import subprocess
import unittest

from lab_program import Lab

TOKEN = "sesame-opens"
HEALTH = "/api/v1/health"


class WithAToken(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab("--token", TOKEN))

    def get(self, path, **headers):
        return self.lab.request("GET", path, headers=headers)

    def expect_refused(self, answer):
        status, headers, body = answer
        self.assertEqual(status, 401)
        self.assertEqual(headers["WWW-Authenticate"], 'Bearer realm="headlight"')
        self.assertIn("token", body["error"]["message"])
        self.assertIsNone(headers["Set-Cookie"])

    def test_nothing_is_answered_without_it(self):
        for path in ("/", "/app.js", HEALTH, "/api/v1/models", "/nothing", HEALTH + "?token=" + TOKEN):
            self.expect_refused(self.get(path))
        self.expect_refused(self.lab.request("POST", "/api/v1/traces", {"model": "lumen", "text": "a"}))
        for wrong in ("Bearer", "Bearer " + TOKEN[:-1], "Bearer " + TOKEN + "x", "Basic " + TOKEN, TOKEN):
            self.expect_refused(self.get(HEALTH, Authorization=wrong))

    def test_programs_send_it(self):
        status, _, body = self.get(HEALTH, Authorization="Bearer " + TOKEN)
        self.assertEqual((status, body["status"]), (200, "ok"))
        status, _, trace = self.lab.request("POST", "/api/v1/traces", {"model": "lumen", "text": "The cat"},
                                            {"Authorization": "Bearer " + TOKEN})
        self.assertEqual((status, trace["text"]), (200, "The cat"))

    def test_the_printed_address_leaves_a_cookie_and_goes_on_without_it(self):
        self.assertEqual(self.lab.address, f"http://{self.lab.name}/?token={TOKEN}")
        status, headers, _ = self.get(f"/?view=hand&token={TOKEN}&text=a%20b%26c")
        self.assertEqual(status, 200)
        self.assertEqual(headers["Refresh"], "0; url=/?view=hand&text=a%20b%26c")
        cookie, *attributes = headers["Set-Cookie"].split("; ")
        self.assertEqual(cookie, f"headlight-{self.lab.port}={TOKEN}")
        self.assertEqual(set(attributes), {"Path=/", "HttpOnly", "SameSite=Strict"})
        self.assertEqual(headers["Cache-Control"], "no-store")
        for path in ("/", HEALTH):
            self.assertEqual(self.get(path, Cookie=f"other=1; {cookie}")[0], 200)
        self.expect_refused(self.get("/", Cookie=cookie + "x"))
        self.expect_refused(self.get("/", Cookie=cookie.replace("headlight-", "headlight")))

    def test_wrong_addresses_leave_nothing(self):
        for query in ("token=", "token=wrong-one", f"token={TOKEN}&token=another", f"token={TOKEN}x"):
            self.expect_refused(self.get("/?" + query))
        self.assertEqual(self.get(f"//elsewhere.example/?token={TOKEN}")[0], 401)

    def test_other_sites_are_still_refused(self):
        shown = {"Authorization": "Bearer " + TOKEN}
        self.assertEqual(self.get(HEALTH, Host="elsewhere.example", **shown)[0], 403)
        self.assertEqual(self.get(HEALTH, Origin="http://elsewhere.example", **shown)[0], 403)


class WithoutAToken(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab())

    def test_browsers_say_whose_page_asks(self):
        def status(path, site):
            return self.lab.request("GET", path, headers={"Sec-Fetch-Site": site})[0]
        for site, expected in (("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403)):
            self.assertEqual(status(HEALTH, site), expected, site)
            self.assertEqual(status("/", site), 200, "the page may be linked and framed")


class Starting(unittest.TestCase):
    def refused(self, *args):
        ran = subprocess.run([os.environ["HEADLIGHT_BINARY"], "lab", "--port", "0", *args], timeout=60,
                             capture_output=True, text=True, check=False)
        self.assertEqual((ran.returncode, ran.stdout, ran.stderr.count("\n")), (2, "", 1), ran.stderr)
        return ran.stderr

    def test_other_machines_need_a_token(self):
        for host in ("0.0.0.0", "::", "192.0.2.1", "0", "lab.example"):
            self.assertIn("--token auto", self.refused("--host", host))

    def test_a_token_is_not_just_anything(self):
        for token in ("short", "with spaces in it", "a" * 129, "semi;colon"):
            self.assertIn("8 to 128", self.refused("--token", token))

    def test_it_makes_one_itself(self):
        with Lab("--token", "auto") as one, Lab("--token", "auto") as two:
            tokens = [lab.address.partition("?token=")[2] for lab in (one, two)]
            self.assertRegex(tokens[0], "^[0-9a-f]{32}$")
            self.assertNotEqual(*tokens)
            status, _, _ = one.request("GET", HEALTH, headers={"Authorization": "Bearer " + tokens[0]})
            self.assertEqual(status, 200)


if __name__ == "__main__":
    unittest.main()
