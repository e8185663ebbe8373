"""Which torch is installed, against a pip that only pretends."""

import subprocess

import pytest

from tools.dev import install_torch

CPU = "2.13.0+cpu None None"


class FakePip:
    """Answers as Python would: `site` and `index` say which torch each source gives, if any."""

    def __init__(self, installed=None, site=None, index=None):
        self.installed, self.site, self.index = installed, site, index
        self.commands = []

    def __call__(self, arguments):
        self.commands.append(arguments)
        if arguments[0] == "-c":
            return self.answer(self.installed)
        if arguments[2] == "uninstall":
            self.installed = None
            return self.answer("")
        source = self.index if "--index-url" in arguments else self.site
        if source is not None:
            self.installed = source
        return self.answer(source)

    def answer(self, text):
        return subprocess.CompletedProcess([], 0 if text is not None else 1,
                                           text if text is not None else "no matching version")

    @property
    def installs(self):
        return [command for command in self.commands if command[2:3] == ["install"]]


def install(pip):
    return install_torch.install(pip, say=lambda text: None)


def test_a_cpu_build_that_is_there_is_kept():
    pip = FakePip(installed=CPU)
    assert install(pip) is None and pip.installs == []


def test_the_configured_index_is_asked_first():
    pip = FakePip(site=CPU)
    assert install(pip) is None
    assert len(pip.installs) == 1 and pip.installs[0][-1] == "torch==2.13.0+cpu"


def test_pytorchs_own_index_is_asked_where_the_configured_one_has_none():
    pip = FakePip(index=CPU)
    assert install(pip) is None
    assert pip.installs[1][-3:] == ["torch==2.13.0", "--index-url",
                                    "https://download.pytorch.org/whl/cpu"]


def test_a_plain_version_without_cuda_is_a_cpu_build():
    assert install(FakePip(index="2.13.0 None None")) is None


def test_a_cuda_build_in_the_way_is_replaced():
    pip = FakePip(installed="2.13.0+cu130 13.0 None", site=CPU)
    assert install(pip) is None and pip.installed == CPU


@pytest.mark.parametrize("got", ["2.13.0+cu130 13.0 None", "2.13.0+rocm7 None 7.0",
                                 "2.12.1+cpu None None"])
def test_a_wrong_build_is_not_left_installed(got):
    pip = FakePip(index=got)
    assert "was removed" in install(pip) and pip.installed is None


def test_nothing_to_be_had_says_where_it_looked():
    problem = install(FakePip())
    assert "no matching version" in problem and install_torch.CPU_INDEX in problem
