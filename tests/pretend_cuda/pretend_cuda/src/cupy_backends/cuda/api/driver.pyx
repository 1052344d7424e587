# cython: language_level=3
"""CUDA's driver on the pretended device: modules are shared libraries, and a launch runs on the CPU."""

from device cimport *
from cupy_backends.cuda.api import _driver_enum
from pretend_cuda import versions as _versions

for _name in dir(_driver_enum):
    if not _name.startswith("_"):
        globals()[_name] = getattr(_driver_enum, _name)

_MESSAGES = {
    1: ("CUDA_ERROR_INVALID_VALUE", "invalid argument"),
    2: ("CUDA_ERROR_OUT_OF_MEMORY", "out of memory"),
    200: ("CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"),
    400: ("CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"),
    500: ("CUDA_ERROR_NOT_FOUND", "named symbol not found"),
    700: ("CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"),
    701: ("CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"),
    719: ("CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"),
    900: ("CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"),
    901: ("CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture"),
    906: ("CUDA_ERROR_STREAM_CAPTURE_IMPLICIT",
          "operation would make the legacy stream depend on a capturing blocking stream"),
}


class CUDADriverError(RuntimeError):
    def __init__(self, status, explanation=""):
        self.status, self.explanation = status, explanation
        name, message = _MESSAGES.get(status, ("CUDA_ERROR_UNKNOWN", f"error {status}"))
        super().__init__(f"{name}: {message}" + (f" (pretend_cuda: {explanation})" if explanation else ""))

    def __reduce__(self):
        return type(self), (self.status, self.explanation)


cdef _check(int status):
    if status != 0:
        raise CUDADriverError(status, pretend_explanation().decode())


def check_status(int status):
    _check(status)


cpdef get_build_version():
    return _versions.cuda()

def _is_cuda_python():
    return False

cpdef devicePrimaryCtxRelease(Device dev):
    pass

cpdef intptr_t ctxGetCurrent() except? 0:
    return pretend_get_device() + 1

cpdef ctxSetCurrent(intptr_t ctx):
    if ctx:
        _check(pretend_set_device(<int>ctx - 1))

cpdef intptr_t ctxCreate(Device dev) except? 0:
    return dev + 1

cpdef ctxDestroy(intptr_t ctx):
    pass

cpdef int ctxGetDevice() except? -1:
    return pretend_get_device()


# ---------------------------------------------------------------- modules
cdef _absent(what):
    raise NotImplementedError(f"pretend_cuda: {what} is not emulated")

cpdef intptr_t linkCreate() except? 0:
    _absent("the linker")

cpdef linkAddData(intptr_t state, int input_type, bytes data, unicode name):
    _absent("the linker")

cpdef linkAddFile(intptr_t state, int input_type, unicode path):
    _absent("the linker")

cpdef bytes linkComplete(intptr_t state):
    _absent("the linker")

cpdef linkDestroy(intptr_t state):
    pass

cpdef intptr_t moduleLoad(str filename) except? 0:
    with open(filename, "rb") as file:
        return moduleLoadData(file.read())

cpdef intptr_t moduleLoadData(bytes image) except? 0:
    cdef void* module
    _check(pretend_module_load(&module, <const char*>image, len(image)))
    return <intptr_t>module

cpdef moduleUnload(intptr_t module):
    _check(pretend_module_unload(<void*>module))

cpdef intptr_t moduleGetFunction(intptr_t module, str funcname) except? 0:
    cdef void* function
    cdef bytes name = funcname.encode()
    _check(pretend_module_function(<void*>module, <const char*>name, &function))
    return <intptr_t>function

cpdef intptr_t moduleGetGlobal(intptr_t module, str varname) except? 0:
    cdef void* address
    cdef bytes name = varname.encode()
    _check(pretend_module_global(<void*>module, <const char*>name, &address))
    return <intptr_t>address

cdef unsigned int moduleGetFunctionCount(intptr_t module):
    _absent("the list of a module's functions")

cdef int moduleEnumerateFunctions(intptr_t module, unsigned int count, vector[Function]& result) except? -1:
    _absent("the list of a module's functions")

cdef const char* funcGetName(intptr_t func) except? NULL:
    _absent("the list of a module's functions")


# ---------------------------------------------------------------- launches
cpdef launchKernel(intptr_t f, unsigned int grid_dim_x, unsigned int grid_dim_y, unsigned int grid_dim_z,
                   unsigned int block_dim_x, unsigned int block_dim_y, unsigned int block_dim_z,
                   unsigned int shared_mem_bytes, intptr_t stream, intptr_t kernel_params, intptr_t extra):
    _check(pretend_launch(<void*>f, grid_dim_x, grid_dim_y, grid_dim_z, block_dim_x, block_dim_y, block_dim_z,
                          shared_mem_bytes, <void*>stream, <void**>kernel_params))

cpdef launchCooperativeKernel(intptr_t f, unsigned int grid_dim_x, unsigned int grid_dim_y, unsigned int grid_dim_z,
                              unsigned int block_dim_x, unsigned int block_dim_y, unsigned int block_dim_z,
                              unsigned int shared_mem_bytes, intptr_t stream, intptr_t kernel_params):
    _absent("a cooperative launch")

cpdef int funcGetAttribute(int attribute, intptr_t func) except? -2:
    cdef int value
    _check(pretend_function_get(<void*>func, attribute, &value))
    return value

cpdef funcSetAttribute(intptr_t func, int attribute, int value):
    _check(pretend_function_set(<void*>func, attribute, value))

cpdef int occupancyMaxActiveBlocksPerMultiprocessor(intptr_t func, int blockSize, size_t dynamicSMemSize):
    return max(1, 2048 // max(blockSize, 1))

cpdef occupancyMaxPotentialBlockSize(intptr_t func, size_t dynamicSMemSize, int blockSizeLimit):
    size = min(blockSizeLimit, 1024) if blockSizeLimit else 1024
    return 16, size

cpdef intptr_t streamGetCtx(intptr_t stream) except? 0:
    return pretend_get_device() + 1
