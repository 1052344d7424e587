// Modules are shared libraries; a launch runs a function of one in all threads of a grid.
#include "trace.hpp"

#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>

namespace {

using namespace pretend;

constexpr int MOST_SHARED = 227 << 10;  // bytes that a function may be allowed; 48 KiB as it comes
struct Function {
    std::string name;
    void (*run)(void**);
    const unsigned int* sizes;  // the number of arguments and the size of each
    bool grid_stride;           // a loop over all elements: one thread may do the work of all
    int most_shared = 48 << 10, carveout = -1;
};
struct Module {
    void* handle;
    std::unordered_map<std::string, std::unique_ptr<Function>> functions;
};

void allow_many_files() {
    rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void* open_library(const std::string& path) {
    void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) refused(INVALID_IMAGE, "%s", dlerror());
    return handle;
}

// The loader wants a file, and knows libraries by their path: the same path twice would be taken for the same library.
void* load(const char* image, size_t size) {
    static const bool sanitized = getenv("PRETEND_CUDA_SANITIZE");
    int file = memfd_create("kernels", 0);
    if (file < 0) return nullptr;
    size_t done = 0;
    for (ssize_t now; done < size && (now = write(file, image + done, size - done)) > 0;) done += now;
    std::string path = "/proc/self/fd/" + std::to_string(file);
    void* handle = nullptr;
    if (done == size && sanitized) {  // the file stays: a report reads the lines of the source there
        allow_many_files();
        return open_library(path);
    }
    static unsigned long serial = 0;
    std::string link = "/tmp/pretend-cuda-" + std::to_string(getpid()) + "-" + std::to_string(serial++);
    if (done == size && symlink(path.c_str(), link.c_str()) == 0) {
        handle = open_library(link);
        unlink(link.c_str());
    }
    close(file);
    return handle;
}

int check_limits(Function* function, Triple grid, Triple block, unsigned int shared) {
    const char* name = function->name.c_str();
    if (!grid.x || !grid.y || !grid.z || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535)
        return refused(INVALID_VALUE, "%s: a grid of (%u, %u, %u), where (2147483647, 65535, 65535) is the most", name,
                       grid.x, grid.y, grid.z);
    if (!block.x || !block.y || !block.z || block.x > 1024 || block.y > 1024 || block.z > 64
        || (size_t)block.x * block.y * block.z > MOST_THREADS)
        return refused(INVALID_VALUE, "%s: a block of (%u, %u, %u), where 1024 threads are the most, 64 along z", name,
                       block.x, block.y, block.z);
    if (shared > (unsigned)function->most_shared)
        return refused(INVALID_VALUE, "%s: %u bytes of shared memory, where %d are allowed", name, shared,
                       function->most_shared);
    return OK;
}

// An argument is a pointer, or begins with one, where it is the place of an array.
int check_reach(Function* function, void** params) {
    if (pretend_device_count() == 1) return OK;
    for (unsigned int i = 0; i < function->sizes[0]; i++) {
        if (function->sizes[i + 1] < sizeof(void*)) continue;
        const Block* memory = block_of(*(void**)params[i]);
        if (memory && memory->kind == KIND_DEVICE && !reaches(memory->device))
            return refused(ILLEGAL_ADDRESS, "%s: argument %u is memory of device %d, and device %d is current",
                           function->name.c_str(), i, memory->device, pretend_get_device());
    }
    return OK;
}

int run(Function* function, Triple grid, Triple block, unsigned int shared, void** params) {
    Triple as_given[] = {grid, block};
    if (function->grid_stride) grid = block = {1, 1, 1};
    static const bool all_lenient = setting("PRETEND_CUDA_LENIENT", 0);
    bool lenient = all_lenient || function->name.compare(0, 5, "cupy_") == 0;  // CuPy's own scan needs it
    trace::launch_begins();
    const char* why = run_grid(function->run, params, grid, block, shared, lenient);
    trace::launch_ends(function->name.c_str(), as_given[0], as_given[1], shared);
    return why ? refused(LAUNCH_FAILED, "%s: %s", function->name.c_str(), why) : int(OK);
}

}  // namespace

extern "C" {

int pretend_module_load(void** result, const char* image, size_t size) {
    if (size < 64 || memcmp(image, "\x7f" "ELF", 4) != 0 || image[18] != 62)  // EM_X86_64: a real cubin is ELF too
        return refused(INVALID_IMAGE, "a module is loaded that pretend_cuda has not compiled");
    void* handle = load(image, size);
    if (!handle) return INVALID_IMAGE;
    *result = new Module{handle, {}};
    return OK;
}
int pretend_module_unload(void* handle) {
    Module* module = (Module*)handle;
    if (int error = finish_all()) return error;
    dlclose(module->handle);
    delete module;
    return OK;
}
int pretend_module_function(void* handle, const char* name, void** result) {
    Module* module = (Module*)handle;
    auto& kept = module->functions[name];
    if (!kept) {
        auto run = (void (*)(void**))dlsym(module->handle, (std::string("pretend_run_") + name).c_str());
        auto sizes = (const unsigned int* (*)())dlsym(module->handle, (std::string("pretend_sizes_") + name).c_str());
        if (!run || !sizes) {
            module->functions.erase(name);
            return refused(NOT_FOUND, "the module has no kernel %s", name);
        }
        bool stride = dlsym(module->handle, "pretend_grid_stride") != nullptr;
        kept.reset(new Function{name, run, sizes(), stride});
    }
    *result = kept.get();
    return OK;
}
int pretend_module_global(void* handle, const char* name, void** address) {
    *address = dlsym(((Module*)handle)->handle, name);
    return *address ? int(OK) : refused(NOT_FOUND, "the module has no variable %s", name);
}

int pretend_function_get(void* handle, int attribute, int* value) {
    Function* function = (Function*)handle;
    switch (attribute) {
        case 0: *value = MOST_THREADS; return OK;       // threads per block
        case 1: case 2: case 3: *value = 0; return OK;  // static shared, constant, local memory
        case 4: *value = 32; return OK;                 // registers
        case 5: case 6: *value = 90; return OK;         // PTX and binary version
        case 7: *value = 0; return OK;                  // cache mode
        case 8: *value = function->most_shared; return OK;
        case 9: *value = function->carveout; return OK;
        default: return INVALID_VALUE;
    }
}
int pretend_function_set(void* handle, int attribute, int value) {
    Function* function = (Function*)handle;
    if (attribute == 9) {
        function->carveout = value;
        return OK;
    }
    if (attribute != 8 || value < 0 || value > MOST_SHARED) return INVALID_VALUE;
    function->most_shared = value;
    return OK;
}

int pretend_launch(void* handle, unsigned int gx, unsigned int gy, unsigned int gz, unsigned int bx, unsigned int by,
                   unsigned int bz, unsigned int shared, void* stream, void** params) {
    Function* function = (Function*)handle;
    Triple grid{gx, gy, gz}, block{bx, by, bz};
    if (int error = check_limits(function, grid, block, shared)) return error;
    int error;
    Stream* found = stream_of(stream, &error);
    if (error) return error;
    if (found && found->device != pretend_get_device())
        return refused(INVALID_HANDLE, "%s: the stream is of device %d, and device %d is current",
                       function->name.c_str(), found->device, pretend_get_device());
    if (int illegal = check_reach(function, params)) return illegal;
    if (!lazy && (!found || !found->capture)) return run(function, grid, block, shared, params);
    // A graph, or a stream that is lazy, keeps the arguments as they are now. Each lies at a multiple of 16 bytes.
    std::vector<std::vector<long double>> kept;
    for (unsigned int i = 0; i < function->sizes[0]; i++) {
        kept.emplace_back((function->sizes[i + 1] + sizeof(long double) - 1) / sizeof(long double));
        memcpy(kept.back().data(), params[i], function->sizes[i + 1]);
    }
    return submit(stream, {NODE_KERNEL, nullptr, nullptr, [=] {
        std::vector<void*> given;
        for (auto& argument : kept) given.push_back((void*)argument.data());
        return run(function, grid, block, shared, given.data());
    }});
}

}  // extern "C"
