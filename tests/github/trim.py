#!/usr/bin/env python3
"""Cuts GitHub's description of its REST API down to what the bot calls, and makes it strict: trim.py FULL.json OUT.json."""
import copy
import json
import sys

# The calls of src/github/; a call that is not here is reported as an unknown route.
OPERATIONS = """
GET /user
GET /app
POST /app/installations/{installation_id}/access_tokens
GET /repos/{owner}/{repo}
GET /repos/{owner}/{repo}/installation
GET /repos/{owner}/{repo}/git/ref/{ref}
GET /repos/{owner}/{repo}/git/matching-refs/{ref}
POST /repos/{owner}/{repo}/git/refs
PATCH /repos/{owner}/{repo}/git/refs/{ref}
DELETE /repos/{owner}/{repo}/git/refs/{ref}
GET /repos/{owner}/{repo}/git/commits/{commit_sha}
POST /repos/{owner}/{repo}/git/commits
GET /repos/{owner}/{repo}/git/trees/{tree_sha}
POST /repos/{owner}/{repo}/git/trees
GET /repos/{owner}/{repo}/git/blobs/{file_sha}
POST /repos/{owner}/{repo}/git/blobs
GET /repos/{owner}/{repo}/compare/{basehead}
GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls
GET /repos/{owner}/{repo}/pulls
POST /repos/{owner}/{repo}/pulls
GET /repos/{owner}/{repo}/pulls/{pull_number}
PATCH /repos/{owner}/{repo}/pulls/{pull_number}
GET /repos/{owner}/{repo}/pulls/{pull_number}/commits
GET /repos/{owner}/{repo}/pulls/{pull_number}/files
PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge
POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers
GET /repos/{owner}/{repo}/issues
POST /repos/{owner}/{repo}/issues
GET /repos/{owner}/{repo}/issues/{issue_number}
PATCH /repos/{owner}/{repo}/issues/{issue_number}
GET /repos/{owner}/{repo}/issues/{issue_number}/comments
POST /repos/{owner}/{repo}/issues/{issue_number}/comments
GET /repos/{owner}/{repo}/issues/comments/{comment_id}
PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}
DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}
GET /repos/{owner}/{repo}/milestones
GET /repos/{owner}/{repo}/actions/artifacts
GET /repos/{owner}/{repo}/actions/artifacts/{artifact_id}/{archive_format}
"""

# Parameters of paths whose values may hold slashes, which Prism takes for ends of segments.
WITH_SLASHES = ("ref", "basehead")
MOST_SEGMENTS = 6


def pointed(document, reference):
    """What a reference such as `#/components/schemas/issue` points at."""
    value = document
    for key in reference.removeprefix("#/").split("/"):
        value = value[key.replace("~1", "/").replace("~0", "~")]
    return value


def clean(value):
    """The same without examples, which are most of the file, and in a form that Prism understands."""
    if isinstance(value, list):
        return [clean(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, item in value.items():
        # A property may be called so, too; then it is a schema, below `properties`.
        if key == "properties":
            kept[key] = {name: clean(schema) for name, schema in item.items()}
        elif key not in ("example", "examples", "x-github", "externalDocs"):
            kept[key] = clean(item)
    # Prism gives up on the whole schema, without a word, where something without a type is nullable.
    if kept.get("nullable") and "type" not in kept:
        del kept["nullable"]
        # Prism itself adds null to the values.
        null = {"type": "string", "nullable": True, "enum": []}
        choices = [kept.pop(word) for word in ("oneOf", "anyOf") if word in kept]
        if choices:
            kept["anyOf"] = [*choices[0], null]
        elif "allOf" in kept:
            kept["anyOf"] = [{"allOf": kept.pop("allOf")}, null]
    return kept


def closed(document, schema):
    """A schema of a request's body with its references put in, that allows no properties but those it lists."""
    if isinstance(schema, list):
        return [closed(document, item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return closed(document, copy.deepcopy(pointed(document, schema["$ref"])))
    strict = {key: closed(document, item) for key, item in schema.items()}
    if isinstance(strict.get("properties"), dict) and strict.get("type") == "object":
        strict.setdefault("additionalProperties", False)
    return strict


def spread(path, operations):
    """The path, and for a parameter with slashes the same with more segments."""
    yield path, operations
    name = next((name for name in WITH_SLASHES if path.endswith("{" + name + "}")), None)
    if name is None:
        return
    for count in range(2, MOST_SEGMENTS + 1):
        more = [f"{name}_{number}" for number in range(2, count + 1)]
        longer = copy.deepcopy(operations)
        for operation in longer.values():
            operation["operationId"] += f"-{count}"
            operation["parameters"] += [
                {"name": one, "in": "path", "required": True, "schema": {"type": "string"}} for one in more
            ]
        yield path + "".join("/{" + one + "}" for one in more), longer


def references(value):
    """All references below a value."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)


def trim(full):
    """The description of OPERATIONS alone, with what they refer to."""
    paths = {}
    for line in OPERATIONS.split("\n"):
        if not line:
            continue
        method, path = line.split()
        operation = clean(full["paths"][path][method.lower()])
        for content in operation.get("requestBody", {}).get("content", {}).values():
            content["schema"] = closed(full, clean(content["schema"]))
        for longer, operations in spread(path, {method.lower(): operation}):
            paths.setdefault(longer, {}).update(operations)
    trimmed = {"openapi": full["openapi"], "info": full["info"], "paths": paths, "components": {}}
    wanted, seen = list(references(paths)), set()
    while wanted:
        reference = wanted.pop()
        if reference in seen:
            continue
        seen.add(reference)
        _, _, kind, name = reference.split("/")
        part = clean(pointed(full, reference))
        trimmed["components"].setdefault(kind, {})[name] = part
        wanted += references(part)
    return trimmed


def main():
    source, target = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        trimmed = trim(json.load(file))
    with open(target, "w", encoding="utf-8") as file:
        json.dump(trimmed, file)


if __name__ == "__main__":
    main()
