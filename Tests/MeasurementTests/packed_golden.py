"""Makes Packed/: checkpoints of each packed form, and what the libraries that made the forms decode them to.

    python3 packed_golden.py GPTQMODEL AUTOAWQ

GPTQMODEL and AUTOAWQ are the unpacked source packages gptqmodel 7.7.0 and autoawq 0.2.9 (they needn't be installed);
compressed-tensors 0.20.0, mlx 0.32.4, transformers 5.24.0, torch and safetensors are imported. Each folder holds a
model.safetensors, a config.json and an expected.f32: the weights of the packed tensors, in the order of their names.
Codes are random, so every code is met. Scales are given to the libraries as binary32, so that they don't round what
they decode to the type of the scales.
"""
import importlib.util
import json
import pathlib
import sys
import types

import mlx.core as mx
import numpy
import torch
from compressed_tensors.compressors.nvfp4.helpers import unpack_fp4_from_uint8
from compressed_tensors.compressors.pack_quantized.base import PackedQuantizationCompressor
from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from compressed_tensors.quantization.lifecycle.forward import dequantize
from safetensors.torch import save_file
from transformers.integrations.finegrained_fp8 import _dequantize_fp8_weight
from transformers.integrations.mxfp4 import _convert_moe_packed_tensors

GPTQMODEL, AUTOAWQ = (pathlib.Path(argument) for argument in sys.argv[1:3])
FOLDER = pathlib.Path(__file__).parent / "Packed"
random = torch.Generator().manual_seed(7)


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def gptqmodel():
    """The part of GPTQModel that decodes checkpoints, without the packages that all of it imports."""
    root = GPTQMODEL / "gptqmodel"
    for name in ["gptqmodel", "gptqmodel.utils", "gptqmodel.quantization"]:
        package = types.ModuleType(name)
        package.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package
    logger = types.ModuleType("gptqmodel.utils.logger")
    logger.setup_logger = lambda: None
    sys.modules["gptqmodel.utils.logger"] = logger
    devices = types.ModuleType("gptqmodel.utils.torch")
    devices.HAS_NPU = False
    sys.modules["gptqmodel.utils.torch"] = devices
    return load("gptqmodel.utils.model_dequant", root / "utils/model_dequant.py")


awq = load("packing_utils", AUTOAWQ / "awq/utils/packing_utils.py")
gptq = gptqmodel()


def integers(low, high, *shape, dtype=torch.int32):
    return torch.randint(low, high, shape, generator=random).to(dtype)


def words(*shape):
    return integers(-(2**31), 2**31, *shape)


def numbers(*shape, dtype=torch.float16):
    """Scales of either sign and of many sizes."""
    bell = torch.randn(shape, generator=random)
    return (bell * torch.exp2(integers(-8, 0, *shape).float())).to(dtype)


def float8(*shape, dtype=torch.float8_e4m3fn):
    """All patterns that are numbers."""
    patterns = integers(0, 256, *shape, dtype=torch.uint8)
    patterns[patterns & 0x7C == 0x7C] = 0x42
    return patterns.view(dtype)


def save(name, tensors, config, expected):
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    plain = torch.arange(64, dtype=torch.float32).reshape(2, 32)
    tensors = {"model.layers.0.input_layernorm.weight": plain[0], **tensors}
    save_file({key: value.clone().contiguous() for key, value in tensors.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", **config}) + "\n")
    values = [expected[key].to(torch.float32).contiguous().numpy().ravel() for key in sorted(expected)]
    numpy.concatenate(values).astype("<f4").tofile(folder / "expected.f32")


MLP = "model.layers.0.mlp."


def save_float8():
    quantization = {"quant_method": "fp8", "weight_block_size": [32, 48]}
    tensors, expected = {}, {}
    for part, rows, columns, dtype in [("down", 70, 100, torch.float32), ("up", 64, 96, torch.bfloat16)]:
        codes, scales = float8(rows, columns), numbers((rows + 31) // 32, (columns + 47) // 48, dtype=dtype)
        name = f"{MLP}{part}_proj.weight"
        tensors |= {name: codes, name + "_scale_inv": scales}
        expected[name] = _dequantize_fp8_weight(codes, scales, [32, 48], torch.float32)
    codes, scales = float8(3, 34, 50), numbers(3, 2, 2, dtype=torch.float32)
    name = MLP + "experts.gate_up_proj"
    tensors |= {name: codes, name + "_scale_inv": scales}
    expected[name] = _dequantize_fp8_weight(codes, scales, [32, 48], torch.float32)
    save("float8_blocks", tensors, {"quantization_config": quantization}, expected)

    tensors, expected = {}, {}
    shapes = {"down": (1,), "up": (24, 1), "gate": (24,), "extra": ()}
    for part, shape in shapes.items():
        codes, scales = float8(24, 40), numbers(*shape, dtype=torch.bfloat16)
        name = f"{MLP}{part}_proj.weight"
        tensors |= {name: codes, name + "_scale": scales}
        wide = scales.float().reshape(-1, 1) if shape != () else scales.float().reshape(1, 1)
        args = QuantizationArgs(num_bits=8, type="float", strategy="channel" if wide.numel() > 1 else "tensor")
        expected[name] = dequantize(codes, wide, args=args)
    codes, scales = float8(24, 40, dtype=torch.float8_e5m2), numbers(24, 1, dtype=torch.float32)
    name = MLP + "wide_proj.weight"
    tensors |= {name: codes, name + "_scale": scales, MLP + "wide_proj.input_scale": torch.ones(1)}
    expected[name] = codes.float() * scales
    save(
        "float8_scales", tensors,
        {"quantization_config": {"quant_method": "compressed-tensors", "format": "float-quantized"}}, expected)


def save_mxfp4():
    tensors, expected = {}, {}
    for part, shape in [("gate_up_proj", (3, 20, 2)), ("down_proj", (3, 10, 4))]:
        name = MLP + "experts." + part
        blocks, scales = integers(0, 256, *shape, 16, dtype=torch.uint8), integers(90, 140, *shape, dtype=torch.uint8)
        tensors |= {name + "_blocks": blocks, name + "_scales": scales}
        # What transformers returns is transposed: inputs by outputs.
        expected[name] = _convert_moe_packed_tensors(blocks, scales, dtype=torch.float32).transpose(1, 2)
    save("mxfp4", tensors, {"quantization_config": {"quant_method": "mxfp4"}}, expected)


def scheme(bits, group, symmetric, kind="int"):
    strategy = "tensor" if group == 0 else "group" if group else "channel"
    args = QuantizationArgs(num_bits=bits, group_size=group or None, symmetric=symmetric, strategy=strategy, type=kind)
    return QuantizationScheme(targets=["Linear"], weights=args)


def save_compressed(bits):
    groups, tensors, expected = {}, {}, {}
    cases = [("down", 32, True), ("up", 32, False), ("gate", None, True), ("wide", None, False), ("odd", None, True)]
    for part, group, symmetric in cases:
        rows, columns = 8 if symmetric else 40, 59 if part == "odd" else 64
        shape = (rows, columns // group if group else 1)
        codes = integers(-(1 << bits - 1), 1 << bits - 1, rows, columns, dtype=torch.int8)
        scale = numbers(*shape, dtype=torch.bfloat16)
        stem = f"{MLP}{part}_proj."
        state = {
            "weight_packed": pack_to_int32(codes, bits), "weight_scale": scale,
            "weight_shape": torch.tensor([rows, columns]),
        }
        if not symmetric:
            zeros = integers(-(1 << bits - 1), 1 << bits - 1, *shape, dtype=torch.int8)
            state["weight_zero_point"] = pack_to_int32(zeros, bits, packed_dim=0).contiguous()
        tensors |= {stem + key: value for key, value in state.items()}
        decoded = PackedQuantizationCompressor.decompress(
            {**state, "weight_scale": scale.float()}, scheme(bits, group, symmetric))
        expected[stem + "weight"] = decoded["weight"]
        groups[part] = {"weights": {"num_bits": bits, "type": "int", "group_size": group}}
    config = {"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups": groups}
    save(f"packed_int{bits}", tensors, {"quantization_config": config}, expected)


def save_int8():
    tensors, expected = {}, {}
    for part, shape, group in [("down", (24, 1), None), ("up", (24, 3), 32), ("gate", (1,), 0)]:
        codes, scale = integers(-128, 128, 24, 96, dtype=torch.int8), numbers(*shape)
        name = f"{MLP}{part}_proj.weight"
        tensors |= {name: codes, name + "_scale": scale}
        zeros = None
        if part == "up":
            zeros = integers(-128, 128, *shape, dtype=torch.int8)
            tensors[name + "_zero_point"] = zeros
        expected[name] = dequantize(codes, scale.float(), zeros, scheme(8, group, zeros is None).weights)
    config = {"quant_method": "compressed-tensors", "format": "int-quantized"}
    save("int8", tensors, {"quantization_config": config}, expected)


def save_nvfp4():
    tensors, expected = {}, {}
    codes, scale = integers(0, 256, 24, 32, dtype=torch.uint8), float8(24, 4)
    one = torch.tensor([731.25])
    stem = MLP + "down_proj."
    tensors |= {stem + "weight_packed": codes, stem + "weight_scale": scale, stem + "weight_global_scale": one}
    args = QuantizationArgs(num_bits=4, type="float", group_size=16, strategy="tensor_group")
    values = unpack_fp4_from_uint8(codes, 24, 64, torch.float32)
    expected[stem + "weight"] = dequantize(values, scale.float(), args=args, global_scale=one)
    # ModelOpt: the scale of the tensor is multiplied.
    two = torch.tensor(0.0078125)
    stem = MLP + "up_proj."
    tensors |= {stem + "weight": codes, stem + "weight_scale": scale, stem + "weight_scale_2": two}
    wide = (scale.float() * two).repeat_interleave(16, dim=1)
    expected[stem + "weight"] = values * wide
    # compressed-tensors' MXFP4.
    stem, power = MLP + "gate_proj.", integers(90, 140, 24, 2, dtype=torch.uint8)
    tensors |= {stem + "weight_packed": codes, stem + "weight_scale": power}
    args = QuantizationArgs(num_bits=4, type="float", group_size=32, strategy="group")
    expected[stem + "weight"] = dequantize(values, torch.exp2(power.float() - 127), args=args)
    config = {"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized"}
    save("nvfp4", tensors, {"quantization_config": config}, expected)


def save_gptq(bits, version):
    config = {"quant_method": "gptq", "bits": bits, "group_size": 32, "checkpoint_format": version}
    tensors, expected = {}, {}
    for part, rows, columns in [("down", 32, 96), ("up", 96, 64)]:
        stem, groups = f"{MLP}{part}_proj.", columns // 32
        state = {
            "qweight": words(columns * bits // 32, rows), "qzeros": words(groups, rows * bits // 32),
            "scales": numbers(groups, rows), "g_idx": torch.arange(columns, dtype=torch.int32) // 32,
        }
        if part == "up":
            state["g_idx"] = state["g_idx"][torch.randperm(columns, generator=random)]
        tensors |= {stem + key: value for key, value in state.items()}
        zeros = state["qzeros"]
        if gptq._uses_gptq_v1_qzeros(config):
            zeros = gptq._correct_gptq_v1_qzeros(zeros, bits)
        order = state["g_idx"].long()
        codes, zeros = gptq.unpack_rows(state["qweight"], bits), gptq.unpack_cols(zeros, bits)
        wide = (codes.float() - zeros.float()[order]) * state["scales"].float()[order]
        expected[stem + "weight"] = wide.t()
    save(f"{version}_int{bits}", tensors, {"quantization_config": config}, expected)


def save_awq():
    config = {"quant_method": "awq", "bits": 4, "group_size": 32, "version": "gemm", "zero_point": True}
    tensors, expected = {}, {}
    for part, rows, columns in [("down", 32, 96), ("up", 72, 64)]:
        stem, groups = f"{MLP}{part}_proj.", columns // 32
        state = {
            "qweight": words(columns, rows // 8), "qzeros": words(groups, rows // 8), "scales": numbers(groups, rows),
        }
        tensors |= {stem + key: value for key, value in state.items()}
        wide = awq.dequantize_gemm(state["qweight"], state["qzeros"], state["scales"].float(), 4, 32)
        expected[stem + "weight"] = wide.t()
    save("awq", tensors, {"quantization_config": config}, expected)


def from_mlx(array):
    return torch.from_numpy(numpy.array(array))


def save_mlx():
    config, tensors, expected = {"group_size": 32, "bits": 4}, {}, {}
    for bits in [2, 3, 4, 5, 6, 8]:
        stem = f"{MLP}w{bits}."
        codes = words(24, 96 * bits // 32).view(torch.uint32)
        scales, biases = numbers(24, 3), numbers(24, 3)
        if bits != 4:
            config[stem[:-1]] = {"group_size": 32, "bits": bits}
        tensors |= {stem + "weight": codes, stem + "scales": scales, stem + "biases": biases}
        # numpy's arithmetic on the codes that MLX unpacks: MLX fuses the multiplication and the addition.
        ones, none = mx.ones((24, 3)), mx.zeros((24, 3))
        plain = from_mlx(mx.dequantize(mx.array(codes.numpy()), ones, none, group_size=32, bits=bits))
        wide = [part.float().repeat_interleave(32, dim=1) for part in (scales, biases)]
        expected[stem + "weight"] = plain * wide[0] + wide[1]
        fused = from_mlx(mx.dequantize(
            mx.array(codes.numpy()), mx.array(scales.float().numpy()), mx.array(biases.float().numpy()),
            group_size=32, bits=bits))
        torch.testing.assert_close(fused, expected[stem + "weight"], rtol=1e-5, atol=1e-6)
    for mode, bits, size in [("mxfp4", 4, 32), ("mxfp8", 8, 32), ("nvfp4", 4, 16)]:
        stem = f"{MLP}{mode}."
        plain = mx.array((torch.randn(24, 96, generator=random) * 3).numpy())
        codes, scales = mx.quantize(plain, group_size=size, bits=bits, mode=mode)
        config[stem[:-1]] = {"group_size": size, "bits": bits, "mode": mode}
        tensors |= {stem + "weight": from_mlx(codes), stem + "scales": from_mlx(scales)}
        decoded = mx.dequantize(codes, scales, group_size=size, bits=bits, mode=mode, dtype=mx.float32)
        expected[stem + "weight"] = from_mlx(decoded)
    save("mlx", tensors, {"quantization": config}, expected)


save_float8()
save_mxfp4()
for width in [2, 3, 4, 8]:
    save_compressed(width)
save_int8()
save_nvfp4()
for width in [2, 3, 4, 8]:
    save_gptq(width, "gptq")
save_gptq(4, "gptq_v2")
save_awq()
save_mlx()
