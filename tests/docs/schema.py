#!/usr/bin/python3
"""The JSON Schema, by somebody else's reader: every configuration of configs/ agrees with it, and
faults do not.

usage: schema.py PTRAIN SOURCE
"""
import glob
import json
import subprocess
import sys

import jsonschema
import yaml

ptrain, source = sys.argv[1:3]
schema = json.loads(subprocess.check_output([ptrain, "config", "schema", "--json"]))
jsonschema.Draft7Validator.check_schema(schema)
reader = jsonschema.Draft7Validator(schema)

files = [f for f in glob.glob(source + "/configs/**/*.yaml", recursive=True)
         if "rows" not in (c := yaml.safe_load(open(f))) and "axes" not in c]
faults = [f"{f}: {e.message}" for f in files for e in reader.iter_errors(yaml.safe_load(open(f)))]
for bad in ({"optimizer": {"lr": 0}}, {"optimizer": {"rate": 1}}, {"data": {"batch": 1.5}},
            {"network": {"batch_norm": "some"}}, {"server": {"ranks": "many"}}, {"base": 3}):
    if reader.is_valid(bad):
        faults.append(f"{bad}: is not refused")
for good in ({"server": {"ranks": "auto"}}, {"data": None}, {"stages": [{"epochs": 3}]},
             {"base": ["a.yaml", "ptrain:network/vgg16"]}):
    faults += [f"{good}: {e.message}" for e in reader.iter_errors(good)]
print(len(files), "configurations")
sys.exit("\n".join(faults) if faults or len(files) < 40 else 0)
