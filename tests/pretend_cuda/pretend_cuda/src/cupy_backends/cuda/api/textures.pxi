# Textures, surfaces and CUDA arrays, which are not here. Included by runtime.pyx.
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

cpdef intptr_t malloc3DArray(intptr_t desc, size_t width, size_t height, size_t depth, unsigned int flags=0) except? 0:
    _absent("a CUDA array")

cpdef intptr_t mallocArray(intptr_t desc, size_t width, size_t height, unsigned int flags=0) except? 0:
    _absent("a CUDA array")

cpdef freeArray(intptr_t ptr):
    _absent("a CUDA array")

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
