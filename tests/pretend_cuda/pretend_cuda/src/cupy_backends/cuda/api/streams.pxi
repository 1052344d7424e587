# Streams, events, and what the host does on a stream. Included by runtime.pyx.
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


# ---------------------------------------------------------------- for the libraries, which work on the host
def pretend_finish(intptr_t stream):
    """Do what a lazy stream still has to do, before a library works on its arrays at once."""
    check_status(pretend_stream_finish(<void*>stream))


cdef void _call_kept(void* where) noexcept with gil:
    (<object>(<void**>where)[0])()


def pretend_submit(intptr_t stream, function):
    """Work that a library does on a stream, ``function()``: done now, or at each launch of the graph."""
    cdef void* what = <void*>function
    if _lazy or streamIsCapturing(stream):
        _kept.append(function)
    check_status(pretend_stream_submit(<void*>stream, _call_kept, &what, sizeof(what)))
