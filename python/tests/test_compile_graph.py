"""Templates become graphs that compute what the script's step computes."""

import pathlib

import pytest

TEXT = (pathlib.Path(__file__).parent / "data/mlp.template").read_text()
LR, DECAY, EPS = 1e-3, 1e-2, 1e-8


def test_a_template_is_read(torch):
    from moai._compile.template import parse

    slots, instructions = parse(TEXT)
    assert (slots, len(instructions)) == (43, 31)
    first = instructions[0]
    assert first.op == "aten::addmm" and first.results[0][0] == 3
    transposed = first.arguments[2]
    assert transposed.slot == 2
    assert (transposed.value.sizes, transposed.value.strides) == ((8, 16), (1, 8))
    assert [kind.kind for kind in first.arguments[3:]] == ["intword", "intword"]
    clamp = next(i for i in instructions if i.op == "aten::clamp")
    assert [a.kind for a in clamp.arguments] == ["tensor", "none", "word"]
    assert instructions[-1].arguments[0].value[0].written and instructions[-1].results == []


@pytest.mark.parametrize("text", ["nothing", "template 1 slots\n%0 = ", "template 1 slots\na::b(",
                                  "template 1 slots\na::b() rest"])
def test_other_text_is_refused(torch, text):
    from moai._compile.template import TemplateError, parse

    with pytest.raises(TemplateError):
        parse(text)


def test_kinds_of_arguments(torch):
    from moai._compile.template import parse

    _, (call,) = parse('template 1 slots\n%0 = a::b(true, -3, 1.5, 1e-05, inf, "x\\"y", [1,-2], '
                       'bools[true,false], doubles[0.5], device, generator, host f64[]w)'
                       ' -> bf16[2]+1\n')
    assert [a.kind for a in call.arguments] == [
        "bool", "int", "double", "double", "double", "string", "ints", "bools", "doubles",
        "device", "generator", "host"]
    assert call.arguments[7].value == [True, False]
    assert call.arguments[6].value == [1, -2] and call.results[0][1].offset == 1


class Step:
    """The step that the template was recorded from, on stock torch, and the words of a run."""

    def __init__(self, torch):
        torch.manual_seed(0)
        self.torch = torch
        self.net = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(),
                                       torch.nn.Linear(16, 4))
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=LR, foreach=True)
        self.x, self.y = torch.randn(4, 8), torch.randint(0, 4, (4,))
        self.step()

    def step(self):
        self.optimizer.zero_grad()
        self.torch.nn.functional.cross_entropy(self.net(self.x), self.y).backward()
        self.torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()

    def storages(self):
        """By slot."""
        parameters = list(self.net.parameters())
        states = [self.optimizer.state[p] for p in parameters]
        found = {1: self.x, 9: self.y, 2: parameters[0], 0: parameters[1], 6: parameters[2],
                 5: parameters[3]}
        found |= {31 + i: state["exp_avg"] for i, state in enumerate(states)}
        found |= {35 + i: state["exp_avg_sq"] for i, state in enumerate(states)}
        return {slot: t.detach().clone().view(-1) for slot, t in found.items()}

    def words(self, lr=LR):
        root = (1 - 0.999 ** 2) ** 0.5
        return [1, 1, 1, 1, 4, 1.0, 0, 2.0, 2.0, 1e-6, 0, 1, 1.0, 0, 1.0, 1 - lr * DECAY, 1 - 0.9,
                0.999, 1 - 0.999, *[root] * 4, EPS, *[-lr / (1 - 0.9 ** 2)] * 4]


def run_of(torch, step, lr=LR):
    from moai._compile.graph import Window

    window, words, found = Window(TEXT), step.words(lr), step.storages()
    assert window.word_count == len(words)
    storages = [found[slot] for slot in window.inputs]
    parameters = [torch.tensor(words[at], dtype=torch.float64) for at in window.parameters]
    return window, storages, parameters, words


def expect_the_step(torch, window, outputs, step):
    after = dict(zip(window.outputs, outputs))
    expected = step.storages()
    for slot in window.written:
        if slot in expected:
            torch.testing.assert_close(after[slot], expected[slot], rtol=1e-5, atol=1e-6)


def test_a_run_of_it_is_the_scripts_step(torch):
    step = Step(torch)
    window, *run = run_of(torch, step)
    outputs = window.run(*run)
    step.step()
    expect_the_step(torch, window, outputs, step)


def test_its_graph_is_functional_and_takes_another_learning_rate(torch):
    step = Step(torch)
    window, storages, parameters, words = run_of(torch, step)
    graph = window.trace(storages, parameters, words)
    targets = [node.target for node in graph.graph.nodes if node.op == "call_function"]
    assert targets and not any(t._schema.is_mutable for t in targets if hasattr(t, "_schema"))
    before = [t.clone() for t in storages]
    for group in step.optimizer.param_groups:
        group["lr"] = 0.05
    _, _, parameters, _ = run_of(torch, step, lr=0.05)
    outputs = graph(*storages, *parameters)
    assert all(map(torch.equal, before, storages)), "inputs stay as they were"
    step.step()
    expect_the_step(torch, window, outputs, step)


def test_only_what_outlives_the_window_comes_out(torch):
    from moai._compile.graph import Window

    kept = Window(TEXT).made[-1]
    window = Window(TEXT, live={kept})
    assert window.outputs == [kept, *window.written]


def test_storages_larger_than_what_is_read_of_them_stay_so(torch):
    from moai._compile.graph import Window

    window = Window("template 2 slots\n%1 = aten::relu(f32[2] %0) -> f32[2]\n", {0: 64})
    assert window.inputs == {0: (torch.float32, 16)}


def test_a_number_that_changes_and_is_no_parameter_is_refused(torch):
    from moai._compile.graph import Unsupported, Window

    window = Window("template 2 slots\n%1 = aten::clamp(f32[2] %0, none, word) -> f32[2]\n")
    assert window.constants_of([0x3ff8000000000000]) == [1.5]
    with pytest.raises(Unsupported, match="aten::clamp takes a number that changes"):
        window.constants_of([None])


@pytest.mark.parametrize("geometry", [
    "f32[4,6]", "f32[6,4]{1,6}", "f32[4,2]{6,1}+3", "f32[4,1,6]{6,9,1}", "f32[3]{8}+1", "f32[]+5",
    "f32[5,4]{4,1}+2", "f32[4,6]{0,1}", "f32[3,3]{1,1}", "f32[2,2,3]{12,1,2}", "f32[0]"])
def test_operands_are_what_their_strides_say(torch, geometry):
    from moai._compile.graph import view_of
    from moai._compile.template import parse

    _, (call,) = parse(f"template 1 slots\na::b({geometry} %0)\n")
    g = call.arguments[0].value
    storage = torch.arange(24.0)
    expected = storage.as_strided(g.sizes, g.strides, g.offset)
    torch.testing.assert_close(view_of(storage, g), expected)


def test_drawing_and_resizing_templates_are_refused(torch):
    from moai._compile.graph import Unsupported, Window

    for line in ("%1 = aten::bernoulli(f32[2] %0, generator) -> f32[2]", "resize %0",
                 "moai::skip_if(f32[] %0)"):
        with pytest.raises(Unsupported):
            Window(f"template 2 slots\n{line}\n")
