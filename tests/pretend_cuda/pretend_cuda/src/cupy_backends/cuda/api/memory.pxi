# Memory: blocks, copies and fills. Included by runtime.pyx.
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


cdef int _DEVICE_TO_DEVICE = 3


cdef intptr_t _allocated(size_t size, int kind) except? 0:
    cdef void* result
    check_status(pretend_malloc(&result, size, kind))
    return <intptr_t>result


cpdef intptr_t malloc(size_t size) except? 0:
    return _allocated(size, KIND_DEVICE)

cpdef intptr_t mallocManaged(size_t size, unsigned int flags=1) except? 0:
    return _allocated(size, KIND_MANAGED)

cpdef intptr_t mallocAsync(size_t size, intptr_t stream) except? 0:
    return _allocated(size, KIND_DEVICE)

cpdef intptr_t mallocFromPoolAsync(size_t size, intptr_t pool, intptr_t stream) except? 0:
    return _allocated(size, KIND_DEVICE)

cpdef intptr_t hostAlloc(size_t size, unsigned int flags) except? 0:
    return _allocated(size, KIND_HOST)

cpdef hostRegister(intptr_t ptr, size_t size, unsigned int flags):
    check_status(pretend_register(<void*>ptr, size))

cpdef hostUnregister(intptr_t ptr):
    check_status(pretend_unregister(<void*>ptr))

cpdef free(intptr_t ptr):
    check_status(pretend_free(<void*>ptr, False))

cpdef freeHost(intptr_t ptr):
    check_status(pretend_free(<void*>ptr, True))

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
    check_status(pretend_copy(<void*>dst, <void*>src, size, _DEVICE_TO_DEVICE, NULL, True))

cpdef memcpyPeerAsync(intptr_t dst, int dstDevice, intptr_t src, int srcDevice, size_t size, intptr_t stream):
    check_status(pretend_copy(<void*>dst, <void*>src, size, _DEVICE_TO_DEVICE, <void*>stream, False))

cpdef memcpy2D(intptr_t dst, size_t dpitch, intptr_t src, size_t spitch, size_t width, size_t height, MemoryKind kind):
    check_status(pretend_copy2d(<void*>dst, dpitch, <void*>src, spitch, width, height, kind, NULL, True))

cpdef memcpy2DAsync(intptr_t dst, size_t dpitch, intptr_t src, size_t spitch, size_t width, size_t height,
                    MemoryKind kind, intptr_t stream):
    check_status(pretend_copy2d(<void*>dst, dpitch, <void*>src, spitch, width, height, kind, <void*>stream, False))

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
    if kind == KIND_NONE:
        return PointerAttributes(-2, 0, ptr, 0)
    return PointerAttributes(device, ptr, 0 if kind == KIND_DEVICE else ptr, kind)

cpdef int pointerGetMemoryType(intptr_t ptr) except -1:
    cdef int device
    cdef size_t left
    return pretend_lookup(<void*>ptr, &device, &left)
