# cython: language_level=3
"""CUDA's runtime on the pretend device, in place of CuPy's module of the same name."""

import os as _os

cimport cpython
from core cimport *
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

_VERSION = _versions.cuda()
_CAPABILITY = tuple(map(int, _os.environ.get("PRETEND_CUDA_CAPABILITY", "9.0").split(".")))
_PEERS = _os.environ.get("PRETEND_CUDA_PEERS", "0") == "1"  # whether devices can reach one another's memory
_MESSAGES = {
    1: ("cudaErrorInvalidValue", "invalid argument"),
    2: ("cudaErrorMemoryAllocation", "out of memory"),
    9: ("cudaErrorInvalidConfiguration", "invalid configuration argument"),
    21: ("cudaErrorInvalidMemcpyDirection", "invalid copy direction for memcpy"),
    100: ("cudaErrorNoDevice", "no CUDA-capable device is detected"),
    101: ("cudaErrorInvalidDevice", "invalid device ordinal"),
    217: ("cudaErrorPeerAccessUnsupported", "peer access is not supported between these two devices"),
    400: ("cudaErrorInvalidResourceHandle", "invalid resource handle"),
    600: ("cudaErrorNotReady", "device not ready"),
    704: ("cudaErrorPeerAccessAlreadyEnabled", "peer access is already enabled"),
    709: ("cudaErrorContextIsDestroyed", "context is destroyed"),
    712: ("cudaErrorHostMemoryAlreadyRegistered", "part or all of the requested memory range is already mapped"),
    713: ("cudaErrorHostMemoryNotRegistered", "pointer does not correspond to a registered memory region"),
    719: ("cudaErrorLaunchFailure", "unspecified launch failure"),
    801: ("cudaErrorNotSupported", "operation not supported"),
    900: ("cudaErrorStreamCaptureUnsupported", "operation not permitted when stream is capturing"),
    901: ("cudaErrorStreamCaptureInvalidated", "operation failed due to a previous error during capture"),
    903: ("cudaErrorStreamCaptureUnmatched", "capture was not initiated in this stream"),
    904: ("cudaErrorStreamCaptureUnjoined", "capturing stream has unjoined work"),
    906: ("cudaErrorStreamCaptureImplicit", "operation would make the legacy stream depend on a capturing blocking stream"),
    907: ("cudaErrorCapturedEvent", "operation not permitted on an event last recorded in a capturing stream"),
}


class CUDARuntimeError(RuntimeError):
    def __init__(self, status):
        self.status = status
        name, message = _MESSAGES.get(status, ("cudaErrorUnknown", f"error {status}"))
        super().__init__(f"{name}: {message}")

    def __reduce__(self):
        return type(self), (self.status,)


cpdef check_status(int status):
    if status != 0:
        raise CUDARuntimeError(status)


cdef _absent(what):
    raise NotImplementedError(f"pretend_cuda: {what} is not emulated")


cpdef int driverGetVersion() except? -1:
    return _VERSION

cpdef int runtimeGetVersion() except? -1:
    return _VERSION

cpdef int _getCUDAMajorVersion() except? -1:
    return _VERSION // 1000

def _getLocalRuntimeVersion():
    return _VERSION


# ---------------------------------------------------------------- devices
_ATTRIBUTES = {
    1: 1024, 2: 1024, 3: 1024, 4: 64, 5: 2147483647, 6: 65535, 7: 65535, 8: 49152, 9: 65536, 10: 32, 11: 2147483647,
    12: 65536, 13: 1000000, 14: 512, 15: 1, 16: 8, 18: 0, 19: 1, 20: 0, 21: 131072, 31: 1, 33: 0, 36: 1000000, 37: 256,
    38: 1 << 20, 39: 2048, 40: 1, 41: 1, 75: _CAPABILITY[0], 76: _CAPABILITY[1], 78: 1, 79: 1, 80: 1, 81: 233472,
    82: 65536, 83: 1, 87: 2, 88: 0, 89: 0, 95: 1, 97: 232448, 106: 32, 115: 1,
}


cdef _check_device(int device):
    if not 0 <= device < pretend_device_count():
        raise CUDARuntimeError(101)


cpdef int getDevice() except? -1:
    return pretend_get_device()

cpdef int getDeviceCount() except? -1:
    return pretend_device_count()

cpdef setDevice(int device):
    check_status(pretend_set_device(device))

cpdef deviceSynchronize():
    check_status(pretend_device_wait())

cpdef int deviceGetAttribute(int attrib, int device) except? -1:
    _check_device(device)
    return _ATTRIBUTES.get(attrib, 0)

cpdef getDeviceProperties(int device):
    _check_device(device)
    cdef size_t unused, total
    pretend_memory(&unused, &total)
    return {
        "name": b"Pretend CUDA device (CPU)", "totalGlobalMem": total, "sharedMemPerBlock": 49152,
        "regsPerBlock": 65536, "warpSize": 32, "maxThreadsPerBlock": 1024, "maxThreadsDim": (1024, 1024, 64),
        "maxGridSize": (2147483647, 65535, 65535), "clockRate": 1000000, "totalConstMem": 65536,
        "major": _CAPABILITY[0], "minor": _CAPABILITY[1], "textureAlignment": 512, "texturePitchAlignment": 32,
        "multiProcessorCount": 8, "kernelExecTimeoutEnabled": 0, "integrated": 0, "canMapHostMemory": 1,
        "computeMode": 0, "concurrentKernels": 1, "ECCEnabled": 0, "pciBusID": device + 1, "pciDeviceID": 0,
        "pciDomainID": 0, "tccDriver": 0, "memoryClockRate": 1000000, "memoryBusWidth": 256, "l2CacheSize": 1 << 20,
        "maxThreadsPerMultiProcessor": 2048, "isMultiGpuBoard": 0, "cooperativeLaunch": 1,
        "cooperativeMultiDeviceLaunch": 0, "asyncEngineCount": 1, "unifiedAddressing": 1, "managedMemory": 1,
        "sharedMemPerMultiprocessor": 233472, "regsPerMultiprocessor": 65536, "sharedMemPerBlockOptin": 232448,
        "maxBlocksPerMultiProcessor": 32, "uuid": bytes([device]) * 16, "luid": b"", "luidDeviceNodeMask": 0,
        "pageableMemoryAccess": 0, "concurrentManagedAccess": 0, "reservedSharedMemPerBlock": 1024,
    }

cpdef int deviceGetByPCIBusId(str pci_bus_id) except? -1:
    for device in range(pretend_device_count()):
        if deviceGetPCIBusId(device).lower() == pci_bus_id.lower():
            return device
    raise CUDARuntimeError(101)

cpdef str deviceGetPCIBusId(int device):
    _check_device(device)
    return f"0000:{device + 1:02X}:00.0"

cpdef int deviceCanAccessPeer(int device, int peerDevice) except? -1:
    _check_device(device)
    _check_device(peerDevice)
    return device != peerDevice and _PEERS

cpdef deviceEnablePeerAccess(int peerDevice):
    _deviceEnsurePeerAccess(peerDevice)

def deviceDisablePeerAccess(int peerDevice):
    _check_device(peerDevice)

cpdef _deviceEnsurePeerAccess(int peerDevice):
    if not _PEERS:
        raise CUDARuntimeError(217)
    check_status(pretend_enable_peer(peerDevice))

_limits = {0: 1024, 1: 1 << 20, 2: 8 << 20}

cpdef size_t deviceGetLimit(int limit) except? -1:
    return _limits.get(limit, 0)

cpdef deviceSetLimit(int limit, size_t value):
    _limits[limit] = value

cdef _ensure_context():
    pass


# ---------------------------------------------------------------- memory
cdef class PointerAttributes:
    def __init__(self, int device, intptr_t devicePointer, intptr_t hostPointer, int type=-1):
        self.type = type
        self.device = device
        self.devicePointer = devicePointer
        self.hostPointer = hostPointer


cdef class MemPoolProps:
    def __init__(self, int allocType, int handleType, int locationType, int devId):
        self.allocType = allocType
        self.handleType = handleType
        self.locationType = locationType
        self.devId = devId


cdef intptr_t _allocated(size_t size, int kind) except? 0:
    cdef void* result
    check_status(pretend_malloc(&result, size, kind))
    return <intptr_t>result


cpdef intptr_t malloc(size_t size) except? 0:
    return _allocated(size, 2)

cpdef intptr_t mallocManaged(size_t size, unsigned int flags=1) except? 0:
    return _allocated(size, 3)

cpdef intptr_t malloc3DArray(intptr_t desc, size_t width, size_t height, size_t depth, unsigned int flags=0) except? 0:
    _absent("a CUDA array")

cpdef intptr_t mallocArray(intptr_t desc, size_t width, size_t height, unsigned int flags=0) except? 0:
    _absent("a CUDA array")

cpdef intptr_t mallocAsync(size_t size, intptr_t stream) except? 0:
    return _allocated(size, 2)

cpdef intptr_t mallocFromPoolAsync(size_t size, intptr_t pool, intptr_t stream) except? 0:
    return _allocated(size, 2)

cpdef intptr_t hostAlloc(size_t size, unsigned int flags) except? 0:
    return _allocated(size, 1)

cpdef hostRegister(intptr_t ptr, size_t size, unsigned int flags):
    check_status(pretend_adopt(<void*>ptr, size))

cpdef hostUnregister(intptr_t ptr):
    check_status(pretend_abandon(<void*>ptr))

cpdef free(intptr_t ptr):
    check_status(pretend_free(<void*>ptr, False))

cpdef freeHost(intptr_t ptr):
    check_status(pretend_free(<void*>ptr, True))

cpdef freeArray(intptr_t ptr):
    _absent("a CUDA array")

cpdef freeAsync(intptr_t ptr, intptr_t stream):
    check_status(pretend_free(<void*>ptr, False))

cpdef memGetInfo():
    cdef size_t left, total
    pretend_memory(&left, &total)
    return left, total

cpdef memcpy(intptr_t dst, intptr_t src, size_t size, int kind):
    check_status(pretend_copy(<void*>dst, <void*>src, size, kind, NULL, True))

cpdef memcpyAsync(intptr_t dst, intptr_t src, size_t size, int kind, intptr_t stream):
    check_status(pretend_copy(<void*>dst, <void*>src, size, kind, <void*>stream, False))

cpdef memcpyPeer(intptr_t dst, int dstDevice, intptr_t src, int srcDevice, size_t size):
    check_status(pretend_copy(<void*>dst, <void*>src, size, 3, NULL, True))

cpdef memcpyPeerAsync(intptr_t dst, int dstDevice, intptr_t src, int srcDevice, size_t size, intptr_t stream):
    check_status(pretend_copy(<void*>dst, <void*>src, size, 3, <void*>stream, False))

cpdef memcpy2D(intptr_t dst, size_t dpitch, intptr_t src, size_t spitch, size_t width, size_t height, MemoryKind kind):
    check_status(pretend_copy2d(<void*>dst, dpitch, <void*>src, spitch, width, height, kind, NULL, True))

cpdef memcpy2DAsync(intptr_t dst, size_t dpitch, intptr_t src, size_t spitch, size_t width, size_t height,
                    MemoryKind kind, intptr_t stream):
    check_status(pretend_copy2d(<void*>dst, dpitch, <void*>src, spitch, width, height, kind, <void*>stream, False))

cpdef memcpy2DFromArray(intptr_t dst, size_t dpitch, intptr_t src, size_t wOffset, size_t hOffset, size_t width,
                        size_t height, int kind):
    _absent("a CUDA array")

cpdef memcpy2DFromArrayAsync(intptr_t dst, size_t dpitch, intptr_t src, size_t wOffset, size_t hOffset, size_t width,
                             size_t height, int kind, intptr_t stream):
    _absent("a CUDA array")

cpdef memcpy2DToArray(intptr_t dst, size_t wOffset, size_t hOffset, intptr_t src, size_t spitch, size_t width,
                      size_t height, int kind):
    _absent("a CUDA array")

cpdef memcpy2DToArrayAsync(intptr_t dst, size_t wOffset, size_t hOffset, intptr_t src, size_t spitch, size_t width,
                           size_t height, int kind, intptr_t stream):
    _absent("a CUDA array")

cpdef memcpy3D(intptr_t params):
    _absent("memcpy3D")

cpdef memcpy3DAsync(intptr_t params, intptr_t stream):
    _absent("memcpy3D")

cpdef memset(intptr_t ptr, int value, size_t size):
    check_status(pretend_fill(<void*>ptr, value, size, NULL))

cpdef memsetAsync(intptr_t ptr, int value, size_t size, intptr_t stream):
    check_status(pretend_fill(<void*>ptr, value, size, <void*>stream))

cpdef memPrefetchAsync(intptr_t devPtr, size_t count, int dstDevice, intptr_t stream):
    pass

cpdef memAdvise(intptr_t devPtr, size_t count, int advice, int device):
    pass

cpdef PointerAttributes pointerGetAttributes(intptr_t ptr):
    cdef int device = 0
    cdef size_t left
    cdef int kind = pretend_lookup(<void*>ptr, &device, &left)
    if kind == 0:
        return PointerAttributes(-2, 0, ptr, 0)
    return PointerAttributes(device, ptr, 0 if kind == 2 else ptr, kind)

cpdef int pointerGetMemoryType(intptr_t ptr) except -1:
    cdef int device
    cdef size_t left
    return pretend_lookup(<void*>ptr, &device, &left)

# Pools of the driver: numbers, for the memory is freed at once.
_pools = {}

cpdef intptr_t deviceGetDefaultMemPool(int device) except? 0:
    _check_device(device)
    return device + 1

cpdef intptr_t deviceGetMemPool(int device) except? 0:
    return _pools.get(device, device + 1)

cpdef deviceSetMemPool(int device, intptr_t pool):
    _pools[device] = pool

cpdef intptr_t memPoolCreate(MemPoolProps props) except? 0:
    return 100 + len(_pools)

cpdef memPoolDestroy(intptr_t pool):
    pass

cpdef memPoolTrimTo(intptr_t pool, size_t size):
    pass

_pool_attributes = {}

cpdef memPoolGetAttribute(intptr_t pool, int attr):
    left, total = memGetInfo()
    return total - left if attr > 4 else _pool_attributes.get((pool, attr), 0)  # above 4: bytes held, bytes in use

cpdef memPoolSetAttribute(intptr_t pool, int attr, object value):
    _pool_attributes[pool, attr] = value

def ipcGetMemHandle(intptr_t ptr):
    _absent("memory of another process")

def ipcOpenMemHandle(handle, flags=1):
    _absent("memory of another process")

def ipcCloseMemHandle(intptr_t ptr):
    _absent("memory of another process")

def ipcGetEventHandle(intptr_t event):
    _absent("an event of another process")

def ipcOpenEventHandle(handle):
    _absent("an event of another process")


# ---------------------------------------------------------------- streams and events
cpdef intptr_t streamCreate() except? 0:
    return streamCreateWithPriority(0, 0)

cpdef intptr_t streamCreateWithFlags(unsigned int flags) except? 0:
    return streamCreateWithPriority(flags, 0)

cpdef intptr_t streamCreateWithPriority(unsigned int flags, int priority) except? 0:
    cdef void* stream
    check_status(pretend_stream_create(&stream, flags, priority))
    return <intptr_t>stream

cpdef unsigned int streamGetFlags(intptr_t stream) except? 0:
    cdef unsigned int flags
    cdef int priority
    check_status(pretend_stream_flags(<void*>stream, &flags, &priority))
    return flags

cpdef int streamGetPriority(intptr_t stream) except? 0:
    cdef unsigned int flags
    cdef int priority
    check_status(pretend_stream_flags(<void*>stream, &flags, &priority))
    return priority

cpdef streamDestroy(intptr_t stream):
    check_status(pretend_stream_destroy(<void*>stream))

cpdef streamSynchronize(intptr_t stream):
    check_status(pretend_stream_wait(<void*>stream))

_kept = []  # what the host functions of a graph call, and those of streams that are lazy
_lazy = _os.environ.get("PRETEND_CUDA_LAZY", "0") == "1"


cdef void _call(void* what) noexcept with gil:
    function, arguments = <object>what
    function(*arguments)


cdef _call_on(intptr_t stream, function, arguments):
    what = (function, arguments)
    if _lazy or streamIsCapturing(stream):
        _kept.append(what)
    check_status(pretend_host_call(<void*>stream, _call, <void*>what))


cpdef streamAddCallback(intptr_t stream, callback, intptr_t arg, unsigned int flags=0):
    _call_on(stream, callback, (stream, 0, arg))

cpdef launchHostFunc(intptr_t stream, callback, intptr_t arg):
    _call_on(stream, callback, (arg,))

cpdef _launchHostFuncUnmanaged(intptr_t stream, tuple func_arg):
    function, arg = func_arg
    _call_on(stream, function, (arg,))

cpdef streamQuery(intptr_t stream):
    return pretend_stream_query(<void*>stream)

cpdef streamWaitEvent(intptr_t stream, intptr_t event, unsigned int flags=0):
    check_status(pretend_stream_wait_event(<void*>stream, <void*>event))

cpdef intptr_t eventCreate() except? 0:
    return eventCreateWithFlags(0)

cpdef intptr_t eventCreateWithFlags(unsigned int flags) except? 0:
    cdef void* event
    check_status(pretend_event_create(&event, flags))
    return <intptr_t>event

cpdef eventDestroy(intptr_t event):
    check_status(pretend_event_destroy(<void*>event))

cpdef float eventElapsedTime(intptr_t start, intptr_t end) except? 0:
    cdef float milliseconds
    check_status(pretend_event_elapsed(<void*>start, <void*>end, &milliseconds))
    return milliseconds

cpdef eventQuery(intptr_t event):
    return pretend_event_query(<void*>event)

cpdef eventRecord(intptr_t event, intptr_t stream):
    check_status(pretend_event_record(<void*>event, <void*>stream))

cpdef eventSynchronize(intptr_t event):
    check_status(pretend_event_wait(<void*>event))


# ---------------------------------------------------------------- graphs
cpdef streamBeginCapture(intptr_t stream, int mode=2):
    check_status(pretend_capture_begin(<void*>stream, mode))

cpdef intptr_t streamEndCapture(intptr_t stream) except? 0:
    cdef void* graph
    check_status(pretend_capture_end(<void*>stream, &graph))
    return <intptr_t>graph

cpdef bint streamIsCapturing(intptr_t stream) except*:
    cdef int status
    check_status(pretend_capture_status(<void*>stream, &status))
    if status == 2:
        raise RuntimeError("the stream was capturing, but an error has invalidated the capture sequence")
    return status == 1

cpdef graphDestroy(intptr_t graph):
    check_status(pretend_graph_destroy(<void*>graph))

cpdef graphExecDestroy(intptr_t graphExec):
    check_status(pretend_graph_destroy(<void*>graphExec))

cpdef intptr_t graphInstantiate(intptr_t graph) except? 0:
    cdef void* executable
    check_status(pretend_graph_instantiate(<void*>graph, &executable))
    return <intptr_t>executable

cpdef graphLaunch(intptr_t graphExec, intptr_t stream):
    check_status(pretend_graph_launch(<void*>graphExec, <void*>stream))

cpdef graphUpload(intptr_t graphExec, intptr_t stream):
    pass

cpdef graphDebugDotPrint(intptr_t graph, str path, unsigned int flags):
    with open(path, "w") as file:
        file.write("digraph {}\n")

def _pretend_drain(intptr_t stream):
    """Do what a lazy stream still has to do, before a library works on its arrays at once."""
    check_status(pretend_stream_drain(<void*>stream))


cdef void _call_kept(void* where) noexcept with gil:
    (<object>(<void**>where)[0])()


def _pretend_do(intptr_t stream, function):
    """Work that another library does on a stream, ``function()``: done now, or at each launch of the graph."""
    cdef void* what = <void*>function
    if _lazy or streamIsCapturing(stream):
        _kept.append(function)
    check_status(pretend_stream_do(<void*>stream, _call_kept, &what, sizeof(what)))


def _pretend_graph_nodes(intptr_t graph):
    """(what, from, to) of each node: 0 a kernel, 1 a copy, 2 a fill, 3 a call on the host."""
    cdef int what
    cdef const void* src
    cdef void* to
    nodes = []
    for n in range(pretend_graph_size(<void*>graph)):
        check_status(pretend_graph_node(<void*>graph, n, &what, &src, &to))
        nodes.append((what, <intptr_t>src, <intptr_t>to))
    return nodes


# ---------------------------------------------------------------- what is not here
cpdef uintmax_t createTextureObject(intptr_t ResDesc, intptr_t TexDesc) except? 0:
    _absent("a texture")

cpdef destroyTextureObject(uintmax_t texObject):
    _absent("a texture")

cdef ChannelFormatDesc getChannelDesc(intptr_t array) except*:
    _absent("a texture")

cdef ResourceDesc getTextureObjectResourceDesc(uintmax_t texobj) except*:
    _absent("a texture")

cdef TextureDesc getTextureObjectTextureDesc(uintmax_t texobj) except*:
    _absent("a texture")

cdef Extent make_Extent(size_t w, size_t h, size_t d) except*:
    cdef Extent made
    made.width, made.height, made.depth = w, h, d
    return made

cdef Pos make_Pos(size_t x, size_t y, size_t z) except*:
    cdef Pos made
    made.x, made.y, made.z = x, y, z
    return made

cdef PitchedPtr make_PitchedPtr(intptr_t d, size_t p, size_t xsz, size_t ysz) except*:
    cdef PitchedPtr made
    made.ptr, made.pitch, made.xsize, made.ysize = <void*>d, p, xsz, ysz
    return made

cpdef uintmax_t createSurfaceObject(intptr_t ResDesc) except? 0:
    _absent("a surface")

cpdef destroySurfaceObject(uintmax_t surfObject):
    _absent("a surface")

cpdef profilerStart():
    pass

cpdef profilerStop():
    pass
