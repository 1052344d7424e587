# Devices and what they say of themselves. Included by runtime.pyx.
_CAPABILITY = tuple(map(int, _os.environ.get("PRETEND_CUDA_CAPABILITY", "9.0").split(".")))
_PEERS = _os.environ.get("PRETEND_CUDA_PEERS", "0") == "1"  # whether devices can reach one another's memory
_ATTRIBUTES = {
    "AsyncEngineCount": 1, "CanMapHostMemory": 1, "ClockRate": 1000000, "ComputeCapabilityMajor": _CAPABILITY[0],
    "ComputeCapabilityMinor": _CAPABILITY[1], "ConcurrentKernels": 1, "GlobalL1CacheSupported": 1,
    "GlobalMemoryBusWidth": 256, "GpuOverlap": 1, "L2CacheSize": 1 << 20, "LocalL1CacheSupported": 1,
    "ManagedMemory": 1, "MaxBlockDimX": 1024, "MaxBlockDimY": 1024, "MaxBlockDimZ": 64,
    "MaxBlocksPerMultiprocessor": 32, "MaxGridDimX": 2147483647, "MaxGridDimY": 65535, "MaxGridDimZ": 65535,
    "MaxPitch": 2147483647, "MaxRegistersPerBlock": 65536, "MaxRegistersPerMultiprocessor": 65536,
    "MaxSharedMemoryPerBlock": 48 << 10, "MaxSharedMemoryPerBlockOptin": 227 << 10,
    "MaxSharedMemoryPerMultiprocessor": 228 << 10, "MaxThreadsPerBlock": 1024, "MaxThreadsPerMultiProcessor": 2048,
    "MemoryClockRate": 1000000, "MemoryPoolsSupported": 1, "MultiProcessorCount": 8,
    "ReservedSharedMemoryPerBlock": 1024, "SingleToDoublePrecisionPerfRatio": 2, "StreamPrioritiesSupported": 1,
    "TextureAlignment": 512, "TexturePitchAlignment": 32, "TotalConstantMemory": 65536, "UnifiedAddressing": 1,
    "WarpSize": 32,
}
"""What a small device of Hopper's kind says; what is not here is 0."""
_NUMBERED = {getattr(_runtime_enum, "cudaDevAttr" + name, None): value for name, value in _ATTRIBUTES.items()}
_NUMBERED[deviceAttributeComputeCapabilityMajor], _NUMBERED[deviceAttributeComputeCapabilityMinor] = _CAPABILITY


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
    return _NUMBERED.get(attrib, 0)

cpdef getDeviceProperties(int device):
    _check_device(device)
    cdef size_t unused, total
    pretend_memory(&unused, &total)
    known = _ATTRIBUTES
    return {
        "name": b"Pretended CUDA device (CPU)", "totalGlobalMem": total, "major": _CAPABILITY[0],
        "minor": _CAPABILITY[1], "sharedMemPerBlock": known["MaxSharedMemoryPerBlock"],
        "regsPerBlock": known["MaxRegistersPerBlock"], "warpSize": known["WarpSize"],
        "maxThreadsPerBlock": known["MaxThreadsPerBlock"], "maxThreadsDim": (1024, 1024, 64),
        "maxGridSize": (2147483647, 65535, 65535), "clockRate": known["ClockRate"],
        "totalConstMem": known["TotalConstantMemory"], "textureAlignment": known["TextureAlignment"],
        "texturePitchAlignment": known["TexturePitchAlignment"], "multiProcessorCount": known["MultiProcessorCount"],
        "kernelExecTimeoutEnabled": 0, "integrated": 0, "canMapHostMemory": 1, "computeMode": 0,
        "concurrentKernels": 1, "ECCEnabled": 0, "pciBusID": device + 1, "pciDeviceID": 0, "pciDomainID": 0,
        "tccDriver": 0, "memoryClockRate": known["MemoryClockRate"], "memoryBusWidth": known["GlobalMemoryBusWidth"],
        "l2CacheSize": known["L2CacheSize"], "maxThreadsPerMultiProcessor": known["MaxThreadsPerMultiProcessor"],
        "isMultiGpuBoard": 0, "cooperativeLaunch": 0, "cooperativeMultiDeviceLaunch": 0, "asyncEngineCount": 1,
        "unifiedAddressing": 1, "managedMemory": 1,
        "sharedMemPerMultiprocessor": known["MaxSharedMemoryPerMultiprocessor"],
        "regsPerMultiprocessor": known["MaxRegistersPerMultiprocessor"],
        "sharedMemPerBlockOptin": known["MaxSharedMemoryPerBlockOptin"],
        "maxBlocksPerMultiProcessor": known["MaxBlocksPerMultiprocessor"], "uuid": bytes([device]) * 16, "luid": b"",
        "luidDeviceNodeMask": 0, "pageableMemoryAccess": 0, "concurrentManagedAccess": 0,
        "reservedSharedMemPerBlock": known["ReservedSharedMemoryPerBlock"],
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

cpdef _deviceEnsurePeerAccess(int peerDevice):
    if not _PEERS:
        raise CUDARuntimeError(217)
    check_status(pretend_set_peer(peerDevice, True))

def deviceDisablePeerAccess(int peerDevice):
    check_status(pretend_set_peer(peerDevice, False))

_limits = {0: 1024, 1: 1 << 20, 2: 8 << 20}  # bytes of a stack, of what is printed, of a heap

cpdef size_t deviceGetLimit(int limit) except? -1:
    return _limits.get(limit, 0)

cpdef deviceSetLimit(int limit, size_t value):
    _limits[limit] = value

cdef _ensure_context():
    pass
