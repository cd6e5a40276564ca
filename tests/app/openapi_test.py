#!/usr/bin/env python3
"""docs/openapi.json beside the calls of docs/http-api.md, the source, and what the lab answers.

A new call needs a row in the table of docs/http-api.md, a path in docs/openapi.json, and in EXAMPLES below a request
that is answered with 200, when the values in VALUES do not make one.
"""
import json
import os
import re
import unittest
import urllib.parse
from pathlib import Path

from json_schema import Schemas
from lab_program import Lab

SOURCE = Path(os.environ["HEADLIGHT_SOURCE"])
BASE = "/api/v1/"
DOCUMENT = json.loads((SOURCE / "docs/openapi.json").read_text(encoding="utf-8"))
METHODS = ("get", "post", "delete")
TEXT = "The animal didn't cross the street because it was too tired."
VALUES = {"layer": 1, "head": 2, "query": 5, "size": 8, "rows": "2:4", "model": "lumen", "d_model": 64, "n_heads": 4,
          "n_kv_heads": 2, "length": 16, "search": "?view=model", "key": 3, "top": 5, "layers": 1, "columns": "0:4",
          "from": 0, "to": 4, "text": "animal", "count": 3, "after": 0, "layer2": 2, "query2": 4}
# By operationId: bodies, of which each must be answered.
EXAMPLES = {
    "post_trace": [{"model": "lumen", "text": TEXT}, {"model": "lumen", "ids": [5, 6, 7], "gates": {"1.0": 0.5}}],
    "post_training": [{"steps": 10, "seed": 3}],
    "post_ablation": [{"trace": "{id}", "heads": {"1.0": 0, "2.*": 0.5}},
                      {"trace": "{id}", "heads": {}, "how": "resample", "other": "The cat", "query": 2, "layer": 3}],
}


def operations():
    """(method, path, operation) of every call in the document."""
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


class Document(unittest.TestCase):
    def test_it_names_the_calls_of_the_manual(self):
        manual = (SOURCE / "docs/http-api.md").read_text(encoding="utf-8")
        rows = re.findall(r"^\| `(GET|POST|DELETE) ([^ `?]+)", manual, re.MULTILINE)
        self.assertEqual({(method.upper(), path) for method, path, _ in operations()}, set(rows))

    def test_it_names_the_calls_of_the_source(self):
        source = (SOURCE / "src/app/lab_calls.cc").read_text(encoding="utf-8")
        rows = re.findall(r'{"(GET|POST|DELETE)", "(/[^"]+)"', source)
        self.assertEqual({(method.upper(), path) for method, path, _ in operations()}, set(rows))

    def test_its_references_lead_somewhere_and_all_is_used(self):
        text = json.dumps(DOCUMENT)
        used = set(re.findall(r'"\$ref": "(#/[^"]+)"', text))
        there = {f"#/components/{kind}/{name}" for kind in ("schemas", "parameters", "responses")
                 for name in DOCUMENT["components"][kind]}
        self.assertEqual(used, there)


class Answers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab())
        cls.schemas = Schemas(DOCUMENT)
        cls.has_page = b"built without the lab page" not in cls.lab.request("GET", "/")[2]
        _, _, cls.trace = cls.lab.request("POST", BASE + "traces", {"model": "lumen", "text": TEXT})

    def id_for(self, operation, path):
        """Of what the call is about: a trace, a long one, a training."""
        if "/trainings/" in path:
            return self.lab.request("GET", BASE + "trainings")[2]["trainings"][0]["id"]
        if operation["operationId"] == "record":
            return self.lab.request("POST", BASE + "traces", {"model": "lumen", "text": TEXT, "long": True})[2]["id"]
        return self.trace["id"]

    def described(self, node):
        return self.schemas.resolve(node["$ref"]) if "$ref" in node else node

    def path_with_values(self, path, operation):
        query = []
        for node in operation.get("parameters", []):
            parameter = self.described(node)
            if parameter["in"] == "query":
                values = {**VALUES, "against": self.trace["id"]}
                self.assertIn(parameter["name"], values)
                value = values[parameter["name"]]
                self.assertEqual(self.schemas.faults(value, parameter["schema"]), [])
                query.append(f"{parameter['name']}={urllib.parse.quote(str(value))}")
        if "{id}" in path:
            path = path.replace("{id}", self.id_for(operation, path))
        return path + ("?" + "&".join(query) if query else "")

    def check(self, operation, answer):
        """The answer is one that the document has for the call."""
        status, headers, body = answer
        self.assertIn(str(status), operation["responses"], body)
        response = self.described(operation["responses"][str(status)])
        for name, header in response.get("headers", {}).items():
            self.assertIsNotNone(headers[name], name)
            value = int(headers[name]) if header["schema"]["type"] == "integer" else headers[name]
            self.assertEqual(self.schemas.faults(value, header["schema"]), [], name)
        kind = headers["Content-Type"].partition(";")[0]
        self.assertIn(kind, response["content"])
        if kind == "application/json":
            self.assertEqual(self.schemas.faults(body, response["content"][kind]["schema"]), [])
        if headers["X-Shape"]:
            size = 4
            for length in headers["X-Shape"].split(","):
                size *= int(length)
            self.assertEqual(len(body), size)

    def test_good_requests(self):
        for method, path, operation in operations():
            with self.subTest(method=method, path=path):
                bodies = EXAMPLES.get(operation["operationId"], [None])
                for body in bodies:
                    if body is not None:
                        schema = operation["requestBody"]["content"]["application/json"]["schema"]
                        body = json.loads(json.dumps(body).replace("{id}", self.trace["id"]))
                        self.assertEqual(self.schemas.faults(body, schema), [])
                    if operation["operationId"] == "export" and not self.has_page:
                        self.skipTest("this program was built without the page to export")
                    answer = self.lab.request(method.upper(), self.path_with_values(path, operation), body)
                    self.assertEqual(answer[0], 200, answer[2])
                    self.check(operation, answer)

    def test_refusals(self):
        for method, path, operation in operations():
            with self.subTest(method=method, path=path):
                refused = [self.lab.request(method.upper(), path, headers={"Host": "elsewhere.example"}),
                           self.lab.request("BREW", path)]
                if "400" in operation["responses"] and "{id}" in path:
                    refused.append(self.lab.request(method.upper(), path.replace("{id}", "none") + "?x=1&x=2"))
                if "{id}" in path:
                    refused.append(self.lab.request(method.upper(), path.replace("{id}", "none")))
                if method == "post":
                    refused += [self.lab.request("POST", path, {"unknown": 1}), self.lab.request("POST", path)]
                for answer in refused:
                    self.assertGreaterEqual(answer[0], 400)
                    self.check(operation, answer)

    def test_it_is_served(self):
        self.assertEqual(self.lab.request("GET", BASE + "openapi.json")[2], DOCUMENT)


if __name__ == "__main__":
    unittest.main()
