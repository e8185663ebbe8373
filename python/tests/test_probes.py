"""Questions that libraries ask before they use the device. None of them may start anything."""

import gc


def test_the_device_is_there(torch):
    assert torch.cuda.is_available()
    assert torch.cuda.device_count() == 1
    assert torch.cuda.get_device_name(0) == "MoAI Accelerator"
    assert torch.cuda.current_device() == 0
    assert torch.cuda.get_device_capability() == (8, 0)


def test_probes_need_no_connection(run_program):
    done = run_program(
        "import torch\n"
        "assert torch.cuda.is_available() and torch.cuda.get_device_properties(0).total_memory\n"
        "torch.cuda.get_device_name(); torch.cuda.mem_get_info(); torch.cuda.memory_summary()\n"
        "from moai import _C\n"
        "assert not _C.statistics().get('connected')\n",
        PYTORCH_NVML_BASED_CUDA_CHECK="1",
        MOREH_SDA_MANAGER_ADDRESS="127.0.0.1:1",
    )
    assert done.returncode == 0, done.stderr


def test_properties_have_the_usual_fields(torch):
    p = torch.cuda.get_device_properties("cuda")
    assert p.total_memory > 0 and p.multi_processor_count > 0 and (p.major, p.minor) == (8, 0)
    assert torch.cuda.is_bf16_supported()


def test_memory_statistics_count_live_tensors(torch):
    gc.collect()  # what earlier tests left behind
    before = torch.cuda.memory_allocated()
    x = torch.empty(1 << 20, dtype=torch.uint8, device="cuda")
    assert torch.cuda.memory_allocated() == before + (1 << 20)
    assert torch.cuda.max_memory_allocated() >= before + (1 << 20)
    del x
    assert torch.cuda.memory_allocated() == before
    torch.cuda.reset_peak_memory_stats()
    # The Worker's peak counts a few bytes of the kernels' own beside the tensors.
    assert before <= torch.cuda.max_memory_allocated() < before + (1 << 16)
    assert "allocated_bytes.all.current" in torch.cuda.memory_stats()
    assert torch.cuda.memory_summary() and torch.cuda.memory_reserved() >= before
    assert torch.accelerator.memory_allocated() == before
    torch.cuda.empty_cache()


def test_accelerator_api_names_the_device(torch):
    assert torch.accelerator.current_accelerator().type == "cuda"
    assert torch.accelerator.device_count() == 1
    assert torch.accelerator.current_stream().device.type == "cuda"


def test_flags_and_modules_answer(torch):
    assert torch.backends.cudnn.is_available() in (True, False)
    assert torch.backends.cuda.matmul.allow_tf32 in (True, False)
    assert torch.get_device_module("cuda") is torch.cuda
    with torch.cuda.device(0):
        assert torch.cuda.current_device() == 0


def test_lines_of_the_program_are_known(torch):
    from moai import _C

    assert "test_probes.py:" in _C.current_line()
