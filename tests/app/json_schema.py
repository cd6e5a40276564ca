"""The part of JSON Schema 2020-12 that docs/openapi.json uses; a keyword outside of it is an error, not ignored."""
import re

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
NOTES = {"description", "default"}


def has_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


class Schemas:
    """Checks values against schemas of one document, whose "$ref"s are resolved in it."""

    def __init__(self, document):
        self.document = document

    def resolve(self, reference):
        found = self.document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        return found

    def faults(self, value, schema, at="$"):
        """What does not fit, a line each; nothing when all does."""
        out = []
        for keyword, rule in schema.items():
            if keyword in NOTES:
                continue
            check = getattr(self, "check_" + keyword.strip("$"), None)
            if check is None:
                raise ValueError(f"{at}: the keyword {keyword} is not known to this checker")
            out += check(value, rule, schema, at)
        return out

    def check_ref(self, value, rule, _, at):
        return self.faults(value, self.resolve(rule), at)

    def check_anyOf(self, value, rule, _, at):
        tried = [self.faults(value, each, at) for each in rule]
        return [] if [] in tried else [f"{at}: fits none of {len(rule)}"] + sum(tried, [])

    def check_type(self, value, rule, _, at):
        names = rule if isinstance(rule, list) else [rule]
        return [] if any(has_type(value, name) for name in names) else [f"{at}: {value!r:.60} is not {rule}"]

    def check_const(self, value, rule, _, at):
        return [] if value == rule else [f"{at}: {value!r:.60} is not {rule!r}"]

    def check_enum(self, value, rule, _, at):
        return [] if value in rule else [f"{at}: {value!r:.60} is none of {rule}"]

    def check_minimum(self, value, rule, _, at):
        return [f"{at}: {value} is under {rule}"] if has_type(value, "number") and value < rule else []

    def check_maximum(self, value, rule, _, at):
        return [f"{at}: {value} is over {rule}"] if has_type(value, "number") and value > rule else []

    def check_pattern(self, value, rule, _, at):
        return [] if not isinstance(value, str) or re.search(rule, value) else [f"{at}: {value!r} is not {rule}"]

    def check_minItems(self, value, rule, _, at):
        return [f"{at}: under {rule} items"] if isinstance(value, list) and len(value) < rule else []

    def check_items(self, value, rule, _, at):
        if not isinstance(value, list):
            return []
        return sum((self.faults(each, rule, f"{at}[{i}]") for i, each in enumerate(value)), [])

    def check_required(self, value, rule, _, at):
        return [f"{at}: {key} is missing" for key in rule if isinstance(value, dict) and key not in value]

    def check_properties(self, value, rule, _, at):
        if not isinstance(value, dict):
            return []
        return sum((self.faults(value[key], rule[key], f"{at}.{key}") for key in rule if key in value), [])

    def check_additionalProperties(self, value, rule, schema, at):
        if not isinstance(value, dict):
            return []
        more = [key for key in value if key not in schema.get("properties", {})]
        if rule is False:
            return [f"{at}: {key} is not described" for key in more]
        return sum((self.faults(value[key], rule, f"{at}.{key}") for key in more), [])
