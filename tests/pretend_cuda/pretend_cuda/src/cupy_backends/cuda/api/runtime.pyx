# cython: language_level=3
"""CUDA's runtime on the pretended device, in place of CuPy's module of the same name."""

import itertools as _itertools
import os as _os

from device cimport *
from cupy_backends.cuda.api import _runtime_enum
from pretend_cuda import versions as _versions


# ---------------------------------------------------------------- constants
for _name in dir(_runtime_enum):
    if not _name.startswith("_"):
        globals()[_name] = getattr(_runtime_enum, _name)
for _number, _name in enumerate("HostToHost HostToDevice DeviceToHost DeviceToDevice Default".split()):
    globals()["memcpy" + _name] = _number
for _number, _name in enumerate("Unregistered Host Device Managed".split()):
    globals()["memoryType" + _name] = _number
for _number, _name in enumerate("Global ThreadLocal Relaxed".split()):
    globals()["streamCaptureMode" + _name] = _number
for _number, _name in enumerate("None Active Invalidated".split()):
    globals()["streamCaptureStatus" + _name] = _number
hostAllocDefault, hostAllocPortable, hostAllocMapped, hostAllocWriteCombined = 0, 1, 2, 4
streamDefault, streamNonBlocking, streamLegacy, streamPerThread = 0, 1, 1, 2
eventDefault, eventBlockingSync, eventDisableTiming, eventInterprocess = 0, 1, 2, 4

errorInvalidValue = 1
errorMemoryAllocation = 2
errorPeerAccessAlreadyEnabled = 704
errorContextIsDestroyed = 709
errorInvalidResourceHandle = 400
deviceAttributeComputeCapabilityMajor = 75
deviceAttributeComputeCapabilityMinor = 76
_is_hip_environment = False
is_hip = False


# ---------------------------------------------------------------- errors and versions
_MESSAGES = {
    1: ("cudaErrorInvalidValue", "invalid argument"),
    2: ("cudaErrorMemoryAllocation", "out of memory"),
    21: ("cudaErrorInvalidMemcpyDirection", "invalid copy direction for memcpy"),
    101: ("cudaErrorInvalidDevice", "invalid device ordinal"),
    217: ("cudaErrorPeerAccessUnsupported", "peer access is not supported between these two devices"),
    400: ("cudaErrorInvalidResourceHandle", "invalid resource handle"),
    401: ("cudaErrorIllegalState", "the operation cannot be performed in the present state"),
    600: ("cudaErrorNotReady", "device not ready"),
    700: ("cudaErrorIllegalAddress", "an illegal memory access was encountered"),
    704: ("cudaErrorPeerAccessAlreadyEnabled", "peer access is already enabled"),
    709: ("cudaErrorContextIsDestroyed", "context is destroyed"),
    712: ("cudaErrorHostMemoryAlreadyRegistered", "part or all of the requested memory range is already mapped"),
    713: ("cudaErrorHostMemoryNotRegistered", "pointer does not correspond to a registered memory region"),
    719: ("cudaErrorLaunchFailure", "unspecified launch failure"),
    900: ("cudaErrorStreamCaptureUnsupported", "operation not permitted when stream is capturing"),
    901: ("cudaErrorStreamCaptureInvalidated", "operation failed due to a previous error during capture"),
    903: ("cudaErrorStreamCaptureUnmatched", "capture was not initiated in this stream"),
    904: ("cudaErrorStreamCaptureUnjoined", "capturing stream has unjoined work"),
    906: ("cudaErrorStreamCaptureImplicit", "operation would make the legacy stream depend on a capturing blocking stream"),
    907: ("cudaErrorCapturedEvent", "operation not permitted on an event last recorded in a capturing stream"),
}


class CUDARuntimeError(RuntimeError):
    def __init__(self, status, explanation=""):
        self.status, self.explanation = status, explanation
        name, message = _MESSAGES.get(status, ("cudaErrorUnknown", f"error {status}"))
        super().__init__(f"{name}: {message}" + (f" (pretend_cuda: {explanation})" if explanation else ""))

    def __reduce__(self):
        return type(self), (self.status, self.explanation)


cpdef check_status(int status):
    if status != 0:
        raise CUDARuntimeError(status, pretend_explanation().decode())


cdef _absent(what):
    raise NotImplementedError(f"pretend_cuda: {what} is not emulated")


cpdef int driverGetVersion() except? -1:
    return _versions.cuda()

cpdef int runtimeGetVersion() except? -1:
    return _versions.cuda()

cpdef int _getCUDAMajorVersion() except? -1:
    return _versions.cuda() // 1000

def _getLocalRuntimeVersion():
    return _versions.cuda()

cpdef profilerStart():
    pass

cpdef profilerStop():
    pass


include "devices.pxi"
include "memory.pxi"
include "pools.pxi"
include "streams.pxi"
include "graphs.pxi"
include "textures.pxi"
