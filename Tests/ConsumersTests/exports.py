"""Holds exports to the packages of those who read them, on a model of your own disk.

    swift build -c release
    python exports.py ../../.build/release/bitladder ../../SampleModels/austen/model.safetensors

Plans are made, exported, loaded by each package that is installed, and every layer's settings compared with the
plan. Tried with compressed-tensors 0.20.0, llmcompressor 0.14.0.1, auto-round 0.16.1, torchao 0.18.0,
nvidia-modelopt 0.47.0, mlx-lm 0.32.2 on mlx[cpu] 0.32.4, coremltools 9.0, gptqmodel 7.7.0 (its configuration),
transformers 5.24.0.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")
PROGRAM, MODEL = map(os.path.abspath, sys.argv[1:3])
FOLDER = os.path.dirname(MODEL)


def export(budget, formats, consumer, name, *more, pin=True):
    """The plan as {module: format}, with the file that was written."""
    pins = ["--pin", "*embed*=source"] if pin else []
    subprocess.run(
        [PROGRAM, "plan", MODEL, "--budget", budget, "--formats", formats, "-o", "plan.json", "--force", *pins],
        check=True, stderr=subprocess.DEVNULL)
    subprocess.run(
        [PROGRAM, "export", "plan.json", "--to", consumer, "-o", name, "--force", *more],
        check=True, stderr=subprocess.DEVNULL)
    tensors = json.load(open("plan.json"))["tensors"]
    return {t["name"][:-7]: t["format"] for t in tensors if t["name"].endswith("proj.weight")}


def model():
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(FOLDER)


def expected(form):
    """Bits, group (None: channel) and symmetry of an integer format or a scaled float."""
    special = {"mxfp4:ocp": (4, 32, True), "nvfp4:tensor": (4, 16, True), "mxfp8": (8, 32, True)}
    if form in special:
        return special[form]
    parts = form.split(":")
    if parts[0].startswith("mlx"):
        return int(parts[0][3:]), next((int(p[1:]) for p in parts[1:] if p[0] == "g"), 64), False
    group = next((int(p[1:]) for p in parts[1:] if p[0] == "g"), None if "channel" in parts else 128)
    return int(parts[0][3:]), group, "affine" not in parts


FLOATS = "int8,int4,int3,int4:affine:g32,mxfp4:ocp,nvfp4:tensor,mxfp8"


def compressed_tensors():
    from compressed_tensors.quantization import QuantizationConfig, apply_quantization_config

    plan = export("6bpw", FLOATS, "compressed-tensors", "config.json")
    net = model()
    apply_quantization_config(net, QuantizationConfig.model_validate(json.load(open("config.json"))))
    return check_schemes(net, plan)


def llmcompressor():
    from llmcompressor import oneshot

    plan = export("6bpw", FLOATS, "llm-compressor", "recipe.yaml")
    net = model()
    oneshot(model=net, recipe="recipe.yaml", pipeline="datafree")
    return check_schemes(net, plan)


def check_schemes(net, plan):
    for name, form in plan.items():
        scheme = getattr(net.get_submodule(name), "quantization_scheme", None)
        weights = scheme.weights if scheme else None
        found = (weights.num_bits, weights.group_size, weights.symmetric) if weights else "source"
        assert found == ("source" if form == "source" else expected(form)), (name, form, found)
    return len(plan)


def auto_round():
    from auto_round import AutoRound

    plan = export("6bpw", "int8,int4,int2", "auto-round", "layers.json")
    AutoRound(
        model=FOLDER, scheme="W4A16", layer_config=json.load(open("layers.json")), iters=0,
        disable_opt_rtn=True, model_free=True).quantize_and_save("out")
    config = json.load(open("out/config.json"))["quantization_config"]
    for name, form in plan.items():
        found = {**config, **config["extra_config"].get(name, {})}
        wanted = (16,) if form == "source" else expected(form)[:2]
        assert (found["bits"], found["group_size"])[: len(wanted)] == wanted, (name, form, found)
    return len(plan)


def torchao():
    from torchao.core.config import config_from_dict
    from torchao.quantization import quantize_

    plan = export("6bpw", "int8,int4,int3,int4:affine:g32", "torchao", "torchao.json")
    net = model()
    quantize_(net, config_from_dict(json.load(open("torchao.json"))), filter_fn=None)
    for name, form in plan.items():
        weight = net.get_submodule(name).weight
        if form != "source":
            bits, group, _ = expected(form)
            found = str(weight.target_dtype), tuple(weight.block_size)
            assert found == (f"torch.int{bits}", (1, group)), (name, form, found)
    return len(plan)


def modelopt():
    import modelopt.torch.quantization as mtq
    from modelopt.recipe import load_recipe

    plan = export("7bpw", "int8:channel,int4,nvfp4:tensor,mxfp8", "modelopt", "recipe.yaml")
    net = model()
    mtq.quantize(net, load_recipe("recipe.yaml").quantize.model_dump(), forward_loop=None)
    wanted = {"int8:channel": (8, None), "int4": (4, 128), "nvfp4:tensor": ((2, 1), 16), "mxfp8": ((4, 3), 32)}
    for name, form in plan.items():
        quantizer = net.get_submodule(name).weight_quantizer
        found = quantizer.num_bits, (quantizer.block_sizes or {}).get(-1)
        assert quantizer.is_enabled == (form != "source"), (name, form)
        assert form == "source" or found == wanted[form], (name, form, found)
    return len(plan)


def mlx_lm():
    plan = export("6bpw", "mlx8,mlx4:g32,mlx3:g128,mlx6", "mlx-lm", "mlx.json", pin=False)
    subprocess.run([sys.executable, "mlx-convert.py", FOLDER, "out"], check=True, capture_output=True)
    found = json.load(open("out/config.json"))["quantization"]
    for name, form in plan.items():
        layer = found.get(name, False)
        wanted = False if form == "source" else expected(form)[:2]
        assert (layer and (layer["bits"], layer["group_size"])) == wanted, (name, form, layer)
    return len(plan)


def coremltools():
    from coremltools.optimize.coreml import OptimizationConfig

    plan = export("4bpw", "pal8,pal4,pal3,int8:channel,int4:g32", "coremltools", "ml.yaml", pin=False)
    files = [f for f in os.listdir() if f.startswith("ml") and f.endswith(".yaml")]
    names = {n: c for f in files for n, c in OptimizationConfig.from_yaml(f).op_name_configs.items()}
    for name, form in plan.items():
        config = names.get((name + ".weight").replace(".", "_"))
        bits = getattr(config, "nbits", None) or getattr(config, "dtype", None)
        assert (config is None) == (form == "source"), (name, form)
        assert form == "source" or str(bits).endswith(form.split(":")[0][3:]) or "int" in str(bits)
    return len(plan)


def gptqmodel():
    from gptqmodel.quantization.config import QuantizeConfig

    plan = export("6bpw", "int8,int6,int4,int3,int2:affine:g32", "gptqmodel", "gptq.json")
    config = QuantizeConfig.from_quant_config(json.load(open("gptq.json")))
    for name, form in plan.items():
        if form == "source":
            assert config.dynamic_get(name) is False, name
            continue
        found = tuple(config.dynamic_get(name, key, getattr(config, key)) for key in ("bits", "group_size", "sym"))
        assert found == expected(form), (name, form, found)
    return len(plan)


def transformers():
    """bitsandbytes: its configuration alone, which needs no GPU."""
    from transformers import BitsAndBytesConfig

    plan = export("10bpw", "nf4", "bitsandbytes", "bnb.json")
    config = BitsAndBytesConfig(**json.load(open("bnb.json")))
    kept = [name for name, form in plan.items() if form == "source"]
    assert [m for m in config.llm_int8_skip_modules if m in plan] == kept
    return len(plan)


if __name__ == "__main__":
    for check in (
        compressed_tensors, llmcompressor, auto_round, torchao, modelopt, mlx_lm, coremltools, gptqmodel, transformers):
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                version = getattr(importlib.import_module(check.__name__), "__version__", "")
            except ImportError as error:
                print(f"{check.__name__}: not tried: {error}")
                continue
            print(f"{check.__name__} {version}: {check()} layers as planned", flush=True)
            os.chdir("/")
