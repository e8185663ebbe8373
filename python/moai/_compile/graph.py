"""From a template to a graph of functional ATen operators, for torch's compilers.

Words of a run are of two kinds here. *Parameters* change from run to run (a learning rate) and are
inputs of the graph, 0-dim tensors; calls that take them are spelled with operators that take
tensors. *Constants* are the rest: whoever uses the graph compares them before each run.
"""

import torch
from torch.fx.experimental.proxy_tensor import make_fx

from moai._compile.template import contiguous, parse

DTYPES = {"u8": torch.uint8, "i8": torch.int8, "i16": torch.int16, "i32": torch.int32,
          "i64": torch.int64, "f16": torch.float16, "f32": torch.float32, "f64": torch.float64,
          "bf16": torch.bfloat16, "c64": torch.complex64, "c128": torch.complex128,
          "bool": torch.bool}
_WORDS = {"word": 1, "intword": 1, "host": 2, "generator": 2}


class Unsupported(Exception):
    """A template that cannot be compiled, and why."""


def _each(compute):
    """An in-place operator over lists, by what it computes at each place."""

    def run(first, *rest):
        for i, tensor in enumerate(first):
            tensor.copy_(compute(tensor, *(r[i] if isinstance(r, list) else r for r in rest)))

    return run


_FOREACH = {
    "add": lambda a, s: a + s, "sub": lambda a, s: a - s, "mul": lambda a, s: a * s,
    "div": lambda a, s: a / s, "lerp": lambda a, b, s: a + s * (b - a),
    "addcmul": lambda a, b, c, s: a + s * b * c, "addcdiv": lambda a, b, c, s: a + s * b / c,
}
# Calls whose float words are parameters.
SPELLED = {f"aten::_foreach_{name}_.{overload}": _each(compute)
           for name, compute in _FOREACH.items() for overload in ("Scalar", "ScalarList")}
SPELLED |= {
    "aten::_foreach_add_.List": _each(lambda a, b, s: a + s * b),
    "aten::_foreach_sub_.List": _each(lambda a, b, s: a - s * b),
    "aten::add_.Tensor": lambda a, b, s: a.add_(b * s),
    "aten::fill_.Scalar": lambda a, s: a.copy_(s.to(a.dtype).expand_as(a)),
}


def flat(arguments):
    """The arguments, those in lists included."""
    for argument in arguments:
        if argument.kind == "list":
            yield from flat(argument.value)
        else:
            yield argument


def fresh(results):
    """(slot, geometry) of the fresh results in order, those in lists included."""
    for result in results:
        if isinstance(result, list):
            yield from fresh(result)
        elif result is not None:
            yield result


def _extent(geometry):
    """Elements that a storage must have."""
    if 0 in geometry.sizes:
        return 0
    return geometry.offset + 1 + sum((size - 1) * stride
                                     for size, stride in zip(geometry.sizes, geometry.strides))


class Window:
    """A template; `text` as `moai._C.describe_windows` prints it.

    `inputs`: slots that are there before it runs, each with dtype and elements of its flat tensor;
    `written`: those of them that it changes; `made`: slots that it makes. `parameters`: positions
    of the words that are parameters.
    """

    def __init__(self, text):
        self.slots, self.instructions = parse(text)
        self.inputs, self.written, self.made, self.parameters = {}, [], [], []
        words = 0
        for instruction in self.instructions:
            words = self._note(instruction, words)
        self.word_count = words

    def _note(self, instruction, words):
        if instruction.op in ("alloc", "resize"):
            if instruction.op == "resize":
                raise Unsupported("a storage is resized")
            self.made.append(instruction.arguments[0].value)
            return words + 1
        for argument in flat(instruction.arguments):
            if argument.kind == "tensor":
                self._note_operand(argument)
            if argument.kind == "generator":
                raise Unsupported(f"{instruction.op} draws random numbers")
            spelled = argument.kind == "word" and instruction.op in SPELLED
            if spelled or argument.kind == "host":
                self.parameters.append(words)
            words += _WORDS.get(argument.kind, 0)
        self.made += [slot for slot, _ in fresh(instruction.results)]
        return words

    def _note_operand(self, argument):
        slot, geometry = argument.slot, argument.value
        if geometry.flags:
            raise Unsupported(f"an operand with flags {geometry.flags}")
        if slot in self.made:
            return
        dtype, extent = self.inputs.get(slot, (DTYPES[geometry.dtype], 0))
        if dtype != DTYPES[geometry.dtype]:
            raise Unsupported("a storage is read as two dtypes")
        self.inputs[slot] = (dtype, max(extent, _extent(geometry)))
        if argument.written and slot not in self.written:
            self.written.append(slot)

    def run(self, storages, parameters, constants):
        """Executes it. `storages`: flat tensors, by order of `inputs`; `parameters`: tensors;
        `constants`: all words as numbers. Returns what it made and what `written` became.
        """
        values = dict(zip(self.inputs, storages))
        for slot in self.written:
            values[slot] = values[slot].clone()
        run = _Run(values, dict(zip(self.parameters, parameters)), constants)
        for instruction in self.instructions:
            run.execute(instruction)
        return tuple(values[slot] for slot in [*self.made, *self.written] if slot in values)

    def trace(self, storages, parameters, constants):
        """Its graph, whose inputs are the storages and then the parameters."""
        count = len(storages)

        def call(*tensors):
            return self.run(tensors[:count], tensors[count:], constants)

        with torch.no_grad():
            return make_fx(torch.func.functionalize(call))(*storages, *parameters)


class _Run:
    def __init__(self, values, parameters, constants):
        self.values, self.parameters, self.constants = values, parameters, constants
        self.word = 0

    def execute(self, instruction):
        if instruction.op == "alloc":
            self.word += 1  # it gets a value when it is first written
            return
        arguments = [self.value(a, instruction) for a in instruction.arguments]
        if instruction.op in SPELLED and self._has_word(instruction):
            SPELLED[instruction.op](*arguments)
            return
        name, _, overload = instruction.op.removeprefix("aten::").partition(".")
        operator = getattr(getattr(torch.ops.aten, name), overload or "default")
        schema = operator._schema.arguments
        given = [v for v, wanted in zip(arguments, schema) if not wanted.kwarg_only]
        named = {wanted.name: v for v, wanted in zip(arguments, schema) if wanted.kwarg_only}
        self.keep(operator(*given, **named), instruction)

    @staticmethod
    def _has_word(instruction):
        return any(a.kind == "word" for a in flat(instruction.arguments))

    def value(self, argument, instruction):
        if argument.kind == "list":
            return [self.value(item, instruction) for item in argument.value]
        if argument.kind == "tensor":
            return self.operand(argument)
        if argument.kind in _WORDS:
            return self.take(argument, instruction)
        if argument.kind == "device":
            return torch.device("cpu")
        return None if argument.kind in ("none", "undefined") else argument.value

    def take(self, argument, instruction):
        at, self.word = self.word, self.word + _WORDS[argument.kind]
        given = self.parameters.get(at)
        if given is None:
            return self.constants[at]
        # As a number it would leave the other operand's dtype alone.
        first = next(a for a in flat(instruction.arguments) if a.kind == "tensor")
        return given.to(DTYPES[first.value.dtype])

    def operand(self, argument):
        g = argument.value
        if argument.slot not in self.values:  # allocated, and written here for the first time
            self.values[argument.slot] = torch.empty(_extent(g), dtype=DTYPES[g.dtype])
        storage = self.values[argument.slot]
        if g.strides == contiguous(g.sizes) and _extent(g) == storage.numel() and not g.offset:
            return storage.view(g.sizes)
        return storage.as_strided(g.sizes, g.strides, g.offset)

    def keep(self, made, instruction):
        """Fresh results become flat storages."""
        given = (made,) if len(instruction.results) == 1 else made or ()
        for result, value in zip(instruction.results, given):
            pairs = zip(result, value) if isinstance(result, list) else ((result, value),)
            for place, tensor in pairs:
                if place is not None:
                    slot, geometry = place
                    self.values[slot] = _flattened(tensor, geometry)


def _flattened(tensor, geometry):
    if tuple(tensor.shape) != geometry.sizes:
        raise Unsupported(f"a result of {tuple(tensor.shape)} instead of {geometry.sizes}")
    if geometry.strides == contiguous(geometry.sizes):
        return tensor.contiguous().view(-1)
    storage = tensor.new_empty(_extent(geometry))
    storage.as_strided(geometry.sizes, geometry.strides).copy_(tensor)
    return storage
