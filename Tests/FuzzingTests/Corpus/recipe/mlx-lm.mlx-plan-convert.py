# Converts a model for MLX by the table beside this file: python THIS MODEL OUT
import json
import os
import sys

from mlx_lm.convert import convert

here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "mlx-plan.json")) as file:
    plan = json.load(file)
layers, default = plan["layers"], plan["default"]
seen = set()


def choose(path, module, *_):
    if path in layers:
        seen.add(path)
    return layers.get(path, False)


convert(
    sys.argv[1], sys.argv[2], quantize=True, q_group_size=default["group_size"],
    q_bits=default["bits"], q_mode=default["mode"], quant_predicate=choose)
for path in layers:
    if path not in seen:
        print("not in the model:", path, file=sys.stderr)
