"""Schema validation of every object for every supported version of Kubernetes, and names that are used once."""

import collections
import functools
import json
import re

import jsonschema
from kubernetes_validate import utils
from referencing import Registry, Resource

import custom_resources
from projects import title

VERSIONS = [f"1.{minor}" for minor in range(31, 38)]


@functools.cache
def _load(path, version):
    return utils.schema_contents(path, version)


@functools.cache
def _validator(version, api_version, kind):
    """The strict schema of a kind in one version, read once; `None` when Kubernetes does not have the kind."""
    folder = f"kubernetes-json-schema/v{version}.0-local-strict"
    short = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)
    try:
        schema = _load(f"{folder}/{kind.lower()}-{short}.json", version)
    except FileNotFoundError:
        return None
    definitions = Resource.from_contents(_load(f"{folder}/_definitions.json", version))
    registry = definitions @ (Resource.from_contents(schema) @ Registry())
    return jsonschema.Draft202012Validator(schema, registry=registry)


@functools.cache
def _custom(api_version, kind):
    schema = custom_resources.SCHEMAS.get((api_version, kind))
    return schema and jsonschema.Draft202012Validator(schema)


@functools.cache
def problems(text):
    """What is wrong with an object, given as JSON: equal objects of several projects are checked once."""
    item = json.loads(text)
    api_version, kind = str(item.get("apiVersion")), str(item.get("kind"))
    found = collections.defaultdict(list)
    if custom := _custom(api_version, kind):
        for error in custom.iter_errors(item):
            found[_sentence(error)].append("custom resource")
    else:
        for version in VERSIONS:
            validator = _validator(version, api_version, kind)
            if validator is None:
                found[f"no schema for {api_version} {kind}"].append(version)
                continue
            for error in validator.iter_errors(item):
                found[_sentence(error)].append(version)
    return [f"{sentence} [{', '.join(where)}]" for sentence, where in found.items()]


def _sentence(error):
    place = ".".join(str(part) for part in error.absolute_path) or "the object"
    return f"{place}: {error.message[:300]}"


def check_objects(objects):
    """Sentences about objects that a schema refuses."""
    return [f"{title(item)}: {p}" for item in objects for p in problems(key(item))]


def key(item):
    """An object as text; equal objects have equal ones."""
    return json.dumps(item, sort_keys=True)


def check_names(objects):
    """Sentences about objects that share kind, namespace and name."""
    count = collections.Counter((str(item.get("apiVersion")).split("/")[0], title(item)) for item in objects)
    return [f"{name} is rendered {times} times" for (_, name), times in count.items() if times > 1]

