"""One vendor, one room: which folders may include the headers of a library."""

import re

from tools.tidy.includes import includes
from tools.tidy.tree import CPP, Finding

RULE = "vendor"
# (library, its headers, folders that may include them, what the others include instead)
VENDORS = [
    ("libtorch", r"(ATen|c10|torch|caffe2)/",
     ("moai/device/aten/", "moai/worker/compiled/", "moai/front/"), "moai/device/device.h"),
    ("Python", r"(Python|frameobject|structmember)\.h|pybind11/",
     ("moai/front/",), "a function of moai/front/bind"),
    ("gRPC", r"(grpc|grpcpp|google/protobuf)/|proto/.*\.grpc\.pb\.h",
     ("moai/rpc/",), "moai/rpc/ (messages alone: proto/moai/core.pb.h)"),
    ("OpenSSL", r"openssl/", ("moai/identity/",), "moai/identity/tls.h"),
    ("libsodium", r"sodium(/|\.h)", ("moai/identity/",), "moai/identity/token.h"),
    ("SQLite", r"sqlite3", ("moai/control/store/",), "moai/control/store/store.h"),
    ("libpq", r"(libpq-fe\.h|postgresql/)", ("moai/control/store/",),
     "moai/control/store/store.h"),
    ("JSON", r"nlohmann/", ("moai/agent/", "moai/session/", "moai/toolkit/", "moai/console/"),
     "a plain struct of the room that reads the file"),
    ("toml++", r"toml\+\+/", ("moai/cluster/",), "moai/cluster/table_reader.h"),
    ("CLI11", r"CLI/", ("moai/apps/", "moai/toolkit/"), "options in a plain struct"),
    ("UCX", r"uc[pst]/", ("moai/comm/link/ucx",), "moai/comm/link/link.h"),
    ("NCCL", r"(nccl|rccl)", ("moai/comm/collective/nccl",), "moai/comm/collective/"),
    ("GPU management", r"(nvml|rocm_smi|amd_smi)", ("moai/agent/probe/",),
     "moai/agent/probe/probe.h"),
]
_SLOW = re.compile(r"torch/(torch|extension)\.h$")


def check(tree):
    found = []
    for path in tree.paths(*CPP, under="moai/"):
        for number, _, target in includes(tree, path):
            if _SLOW.match(target):
                found.append(Finding(RULE, path, number,
                                     f"{target} costs 15 s a file: include the ATen or c10 header"))
            for library, headers, folders, instead in VENDORS:
                if re.match(headers, target) and not path.startswith(folders):
                    found.append(Finding(
                        RULE, path, number,
                        f"{target}: {library} is for {', '.join(folders)} only; use {instead}"))
    return found
