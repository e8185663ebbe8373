"""From a template to a graph of functional ATen operators, for torch's compilers.

Words of a run are of two kinds here. *Parameters* change from run to run (a learning rate) and are
inputs of the graph, 0-dim tensors; calls that take them are spelled with operators that take
tensors. *Constants* are the rest: whoever uses the graph compares them before each run.
"""

import struct

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
    """An operator over lists, by what it computes at each place."""

    def run(first, *rest):
        return [compute(tensor, *(r[i] if isinstance(r, list) else r for r in rest))
                for i, tensor in enumerate(first)]

    return run


_FOREACH = {
    "add": lambda a, s: a + s, "sub": lambda a, s: a - s, "mul": lambda a, s: a * s,
    "div": lambda a, s: a / s, "lerp": lambda a, b, s: a + s * (b - a),
    "addcmul": lambda a, b, c, s: a + s * b * c, "addcdiv": lambda a, b, c, s: a + s * b / c,
}
# Calls whose float words are parameters: what their first argument becomes.
SPELLED = {f"aten::_foreach_{name}_.{overload}": _each(compute)
           for name, compute in _FOREACH.items() for overload in ("Scalar", "ScalarList")}
SPELLED |= {
    "aten::_foreach_add_.List": _each(lambda a, b, s: a + s * b),
    "aten::_foreach_sub_.List": _each(lambda a, b, s: a - s * b),
    "aten::add_.Tensor": lambda a, b, s: a + b * s,
    "aten::lerp_.Scalar": lambda a, b, s: a + s * (b - a),
    "aten::addcmul_": lambda a, b, c, s: a + s * b * c,
    "aten::addcdiv_": lambda a, b, c, s: a + s * b / c,
    "aten::fill_.Scalar": lambda a, s: torch.as_tensor(s).expand(a.shape),
    "aten::_foreach_mul_.Tensor": _each(lambda a, b: a * b),
    "aten::_foreach_sqrt_": _each(torch.sqrt),
}


def _norms(tensors, order=2, dtype=None):
    # By its own name it would be a call through torch's dispatcher.
    return [torch.linalg.vector_norm(tensor, order, dtype=dtype) for tensor in tensors]


def _attention(query, key, value, dropout, causal, debug_mask, scale=None):
    if dropout:
        raise Unsupported("attention with dropout")
    made = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        query, key, value, 0.0, causal, scale=scale)
    return (*made, *[None] * 7)


def _attention_backward(*given):
    causal, scale = given[11], given[14] if len(given) > 14 else None
    return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward(
        *given[:6], 0.0, causal, scale=scale)


# Operators that a Worker on a processor computes by others.
EXPANDED = {
    "aten::_foreach_norm.Scalar": _norms,
    "aten::_scaled_dot_product_flash_attention": _attention,
    "aten::_scaled_dot_product_flash_attention_backward": _attention_backward,
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


def number(argument, bits):
    """The number that the words of an argument are (docs/formats/call.md)."""
    if argument.kind == "intword":
        return struct.unpack("<q", struct.pack("<Q", bits[0]))[0]
    if argument.kind == "word":
        return struct.unpack("<d", struct.pack("<Q", bits[0]))[0]
    dtype = DTYPES[argument.value.dtype]
    return torch.frombuffer(bytearray(struct.pack("<2Q", *bits)), dtype=dtype)[0].item()


class Window:
    """A template; `text` as `moai._C.describe_windows` prints it.

    `inputs`: slots that are there before it runs, each with dtype and elements of its flat tensor;
    `written`: those of them that it changes; `made`: slots that it makes. `parameters`: positions
    of the words that are parameters, each with its dtype; `constants`: the arguments of the others.

    `storage_bytes` by slot, where they are known, say how large the flat tensors are; `live`: the
    made slots that outlive the window.
    """

    def __init__(self, text, storage_bytes=None, live=None):
        self.slots, self.instructions = parse(text)
        self.storage_bytes = storage_bytes or {}
        self.inputs, self.written, self.made = {}, [], []
        self.parameters, self.constants = {}, {}
        words = 0
        for instruction in self.instructions:
            words = self._note(instruction, words)
        self.word_count = words
        for slot, (dtype, extent) in self.inputs.items():
            self.inputs[slot] = (dtype, max(extent, self._elements(slot, dtype)))
        kept = [slot for slot in self.made if live is None or slot in live]
        self.outputs = [*kept, *self.written]

    def _elements(self, slot, dtype):
        return self.storage_bytes.get(slot, 0) // dtype.itemsize

    def _note(self, instruction, words):
        if instruction.op in ("alloc", "resize"):
            if instruction.op == "resize":
                raise Unsupported("a storage is resized")
            self.made.append(instruction.arguments[0].value)
            self.constants[words] = (instruction, instruction.arguments[0])
            return words + 1
        if not instruction.op.startswith("aten::"):
            raise Unsupported(f"{instruction.op} is no operator of torch")
        for argument in flat(instruction.arguments):
            words = self._note_argument(instruction, argument, words)
        self.made += [slot for slot, _ in fresh(instruction.results)]
        return words

    def _note_argument(self, instruction, argument, words):
        if argument.kind == "tensor":
            self._note_operand(argument)
        if argument.kind == "generator":
            raise Unsupported(f"{instruction.op} draws random numbers")
        if argument.kind == "host":
            self.parameters[words] = DTYPES[argument.value.dtype]
        elif argument.kind == "word" and instruction.op in SPELLED:
            self.parameters[words] = torch.float64
        elif argument.kind in _WORDS:
            self.constants[words] = (instruction, argument)
        return words + _WORDS.get(argument.kind, 0)

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

    def constants_of(self, words):
        """All words as numbers, from their bits; None: it changes from run to run."""
        numbers = [None] * self.word_count
        for at, (instruction, argument) in self.constants.items():
            if words[at] is None:
                raise Unsupported(f"{instruction.op} takes a number that changes")
            numbers[at] = (words[at] if instruction.op == "alloc"
                           else number(argument, words[at:at + 1]))
        return numbers

    def run(self, storages, parameters, constants):
        """Executes it. `storages`: flat tensors, by order of `inputs`; `parameters`: tensors;
        `constants`: all words as numbers. Returns what the slots of `outputs` became.
        """
        values = dict(zip(self.inputs, storages))
        run = _Run(values, dict(zip(self.parameters, parameters)), constants)
        for instruction in self.instructions:
            run.execute(instruction)
        return tuple(run.output(slot) for slot in self.outputs)

    def examples(self):
        """Tensors as `run` takes them, with undefined content."""
        return ([torch.empty(count, dtype=dtype) for dtype, count in self.inputs.values()],
                [torch.zeros((), dtype=dtype) for dtype in self.parameters.values()])

    def trace(self, storages, parameters, constants):
        """Its graph, whose inputs are the storages and then the parameters."""
        count = len(storages)

        def call(*tensors):
            return self.run(tensors[:count], tensors[count:], constants)

        with torch.no_grad():
            return make_fx(torch.func.functionalize(call), tracing_mode="fake")(
                *storages, *parameters)


class _Run:
    def __init__(self, values, parameters, constants):
        self.values, self.given = values, set(values)  # inputs stay as they are
        self.parameters, self.constants = parameters, constants
        self.word = 0
        self.allocated = {}  # bytes by slot

    def output(self, slot):
        if self.values.get(slot) is None:
            raise Unsupported("a storage is allocated and not written")
        return self.values[slot]

    def execute(self, instruction):
        if instruction.op == "alloc":
            self.allocated[instruction.arguments[0].value] = self.constants[self.word]
            self.word += 1  # it gets a value when it is first written
            return
        arguments = [self.value(a, instruction) for a in instruction.arguments]
        if instruction.op in SPELLED:
            self.write(instruction.arguments[0], SPELLED[instruction.op](*arguments))
            return
        operator = EXPANDED.get(instruction.op) or self._operator(instruction)
        if instruction.op in EXPANDED:
            self.keep(operator(*arguments), instruction)
            return
        schema = operator._schema.arguments
        given = [v for v, wanted in zip(arguments, schema) if not wanted.kwarg_only]
        named = {wanted.name: v for v, wanted in zip(arguments, schema) if wanted.kwarg_only}
        self.keep(operator(*given, **named), instruction)

    @staticmethod
    def _operator(instruction):
        name, _, overload = instruction.op.removeprefix("aten::").partition(".")
        try:
            return getattr(getattr(torch.ops.aten, name), overload or "default")
        except AttributeError:
            raise Unsupported(f"{instruction.op} is no operator of torch") from None

    def value(self, argument, instruction):
        if argument.kind == "list":
            return [self.value(item, instruction) for item in argument.value]
        if argument.kind == "tensor":
            return self.operand(argument, instruction.op not in SPELLED)
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

    def write(self, argument, value):
        """A new content: no write into a view where it is all of the storage."""
        if argument.kind == "list":
            for item, one in zip(argument.value, value):
                self.write(item, one)
            return
        g, storage = argument.value, self.values[argument.slot]
        if _is_all(g, storage):
            self.values[argument.slot] = value.to(storage.dtype).reshape(-1)
        else:
            self.operand(argument, True).copy_(value)

    def operand(self, argument, in_place):
        """`in_place`: who gets it writes into it, if it is written."""
        g = argument.value
        if argument.slot not in self.values:  # allocated, and written here for the first time
            dtype = DTYPES[g.dtype]
            count = self.allocated.get(argument.slot, 0) // dtype.itemsize
            self.values[argument.slot] = torch.empty(max(count, _extent(g)), dtype=dtype)
        storage = self.values[argument.slot]
        if storage is None:  # what another kind of device needs
            return None
        if storage.dtype != DTYPES[g.dtype]:
            raise Unsupported("a storage is read as two dtypes")
        if in_place and argument.written and argument.slot in self.given:
            self.given.discard(argument.slot)
            storage = self.values[argument.slot] = storage.clone()
        return view_of(storage, g)

    def keep(self, made, instruction):
        """Fresh results become flat storages."""
        given = (made,) if len(instruction.results) == 1 else made or ()
        for result, value in zip(instruction.results, given):
            pairs = zip(result, value) if isinstance(result, list) else ((result, value),)
            for place, tensor in pairs:
                if place is not None:
                    slot, geometry = place
                    self.values[slot] = (None if tensor is None
                                         else _flattened(tensor, geometry))


def _is_all(geometry, storage):
    """Whether a tensor of the geometry is the whole of a flat one, in its order."""
    dense = geometry.strides == contiguous(geometry.sizes) and not geometry.offset
    return dense and _extent(geometry) == storage.numel()


def view_of(storage, geometry):
    """A tensor of the geometry over a flat one: by views that compilers see through, where it is a
    slice of a permuted dense tensor, else by strides.
    """
    sizes, strides = geometry.sizes, geometry.strides
    if _is_all(geometry, storage):
        return storage.view(sizes)
    kept = [d for d in range(len(sizes)) if sizes[d] != 1]
    order = sorted(kept, key=lambda d: -strides[d])  # the dense tensor's
    rest, left, shape, starts = storage.numel(), geometry.offset, [], []
    for d in order:
        count = rest // strides[d] if strides[d] > 0 and rest % strides[d] == 0 else 0
        if count == 0 or left // strides[d] + sizes[d] > count:
            return storage.as_strided(sizes, strides, geometry.offset)
        shape.append(count)
        starts.append(left // strides[d])
        rest, left = strides[d], left % strides[d]
    dense = storage.view(shape) if rest == 1 else storage.view([*shape, rest]).select(-1, left)
    for at, d in enumerate(order):
        if shape[at] != sizes[d]:  # each view is work for the compiler
            dense = dense.narrow(at, starts[at], sizes[d])
    dense = dense if order == kept else dense.permute([order.index(d) for d in kept])
    return dense if dense.shape == sizes else dense.view(sizes)


def _flattened(tensor, geometry):
    if tuple(tensor.shape) != geometry.sizes:
        raise Unsupported(f"a result of {tuple(tensor.shape)} instead of {geometry.sizes}")
    if tensor.dtype != DTYPES[geometry.dtype]:
        raise Unsupported(f"a result of {tensor.dtype} instead of {geometry.dtype}")
    order = sorted(range(tensor.dim()), key=lambda d: -geometry.strides[d])
    if [geometry.strides[d] for d in order] == list(contiguous([tensor.shape[d] for d in order])):
        return tensor.permute(order).reshape(-1)
    storage = tensor.new_empty(_extent(geometry))
    storage.as_strided(geometry.sizes, geometry.strides).copy_(tensor)
    return storage
