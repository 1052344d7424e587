// Devices, and their memory, which is the host's: registered, so that its kind and its ends are known.
#include "trace.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

namespace pretend {

namespace {

constexpr int MOST_DEVICES = 64;
std::map<uintptr_t, Block> blocks;  // by address
const size_t total = setting("PRETEND_CUDA_MEMORY", 8LL << 30);
size_t used[MOST_DEVICES];
bool peers[MOST_DEVICES][MOST_DEVICES];  // whose memory the kernels of a device may reach
thread_local int current = 0;
std::string explanation;

size_t rounded(size_t size) { return (size + 511) & ~size_t(511); }

// Whether all of the bytes lie in one block of a device.
bool on_device(const void* pointer, size_t size) {
    size_t left = 0;
    const Block* block = block_of(pointer, &left);
    return block && block->kind != KIND_HOST && size <= left;
}

// CUDA refuses a copy whose direction does not fit the memory; so must this, for here all memory is one.
int check_direction(const void* to, size_t to_size, const void* from, size_t from_size, int kind) {
    if (kind < 0 || kind > 4) return INVALID_DIRECTION;
    if ((kind == 1 || kind == 3) && !on_device(to, to_size))
        return refused(INVALID_VALUE, "a copy to the device writes %zu bytes that are not in one of its blocks", to_size);
    if ((kind == 2 || kind == 3) && !on_device(from, from_size))
        return refused(INVALID_VALUE, "a copy from the device reads %zu bytes that are not in one of its blocks",
                       from_size);
    return OK;
}

// A copy that the host waits for breaks a capture.
int wait_for_turn(void* stream) {
    int error;
    Stream* found = stream_of(stream, &error);
    if (error) return error;
    if (found && found->capture) {
        found->broken = true;
        return CAPTURE_UNSUPPORTED;
    }
    trace::note(trace::WAIT, "for a copy");
    return finish(stream);
}

int moved(void* to, const void* from, size_t size) {
    trace::note(trace::COPY, "copy", size, size);
    memmove(to, from, size);
    return OK;
}

}  // namespace

long long setting(const char* variable, long long otherwise) {
    const char* text = getenv(variable);
    return text && *text ? atoll(text) : otherwise;
}

int refused(int error, const char* format, ...) {
    char text[512];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    explanation = text;
    return error;
}

const Block* block_of(const void* pointer, size_t* left) {
    auto after = blocks.upper_bound((uintptr_t)pointer);
    if (after == blocks.begin()) return nullptr;
    --after;
    if ((uintptr_t)pointer >= after->first + after->second.size) return nullptr;
    if (left) *left = after->first + after->second.size - (uintptr_t)pointer;
    return &after->second;
}

bool reaches(int device) { return device == current || peers[current][device]; }

}  // namespace pretend

using namespace pretend;

extern "C" {

const char* pretend_explanation() {
    static std::string told;
    told.swap(explanation);
    explanation.clear();
    return told.c_str();
}

// ---------------------------------------------------------------- devices
int pretend_device_count() {
    static int count = (int)setting("PRETEND_CUDA_DEVICES", 1);
    return count < MOST_DEVICES ? count : MOST_DEVICES;
}
int pretend_get_device() { return current; }
int pretend_set_device(int device) {
    if (device < 0 || device >= pretend_device_count()) return INVALID_DEVICE;
    current = device;
    return OK;
}
int pretend_set_peer(int device, int reached) {
    if (device < 0 || device >= pretend_device_count() || device == current) return INVALID_DEVICE;
    peers[current][device] = reached;
    return OK;
}

// ---------------------------------------------------------------- blocks
int pretend_malloc(void** result, size_t size, int kind) {
    *result = nullptr;
    if (size == 0) return OK;
    if (kind != KIND_HOST && used[current] + rounded(size) > total) return OUT_OF_MEMORY;
    void* pointer;
    if (posix_memalign(&pointer, 512, size)) return OUT_OF_MEMORY;
    memset(pointer, 0xff, size < (1 << 20) ? size : (1 << 20));  // NaN, so that what nobody wrote is seen
    blocks[(uintptr_t)pointer] = {size, kind, current, true};
    if (kind != KIND_HOST) used[current] += rounded(size);
    trace::note(trace::ALLOCATION, kind == KIND_HOST ? "of the host" : "of the device", 0, size);
    *result = pointer;
    return OK;
}
int pretend_free(void* pointer, int host) {
    if (!pointer) return OK;
    auto found = blocks.find((uintptr_t)pointer);
    if (found == blocks.end() || !found->second.owned || (found->second.kind == KIND_HOST) != (host != 0))
        return INVALID_VALUE;
    if (int error = finish_all()) return error;
    trace::note(trace::RELEASE, host ? "of the host" : "of the device");
    if (!host) used[found->second.device] -= rounded(found->second.size);
    blocks.erase(found);
    free(pointer);
    return OK;
}
int pretend_register(void* pointer, size_t size) {
    if (block_of(pointer)) return ALREADY_REGISTERED;
    blocks[(uintptr_t)pointer] = {size, KIND_HOST, current, false};
    return OK;
}
int pretend_unregister(void* pointer) {
    auto found = blocks.find((uintptr_t)pointer);
    if (found == blocks.end() || found->second.owned) return NOT_REGISTERED;
    blocks.erase(found);
    return OK;
}
void pretend_memory(size_t* free, size_t* all) {
    *all = total;
    *free = total - used[current];
}
int pretend_lookup(const void* pointer, int* device, size_t* left) {
    const Block* block = block_of(pointer, left);
    if (!block) return KIND_NONE;
    *device = block->device;
    return block->kind;
}

// ---------------------------------------------------------------- copies and fills
int pretend_copy(void* to, const void* from, size_t size, int kind, void* stream, int waits) {
    if (size == 0) return OK;
    if (int error = check_direction(to, size, from, size, kind)) return error;
    if (waits) {
        if (int error = wait_for_turn(stream)) return error;
        return moved(to, from, size);
    }
    if (kind != 1 && kind != 3 && !block_of(to) && !is_capturing(stream))
        trace::note(trace::WAIT, "for a copy to memory that is not pinned");
    // Memory of the host that is not pinned is read before the call returns, and has been written when it does.
    if (lazy && !is_capturing(stream)) {
        if (!block_of(from)) {
            std::string kept((const char*)from, size);
            return submit(stream, {NODE_COPY, from, to, [=] { return moved(to, kept.data(), size); }});
        }
        if (!block_of(to)) {
            if (int error = finish(stream)) return error;
            return moved(to, from, size);
        }
    }
    return submit(stream, {NODE_COPY, from, to, [=] { return moved(to, from, size); }});
}

int pretend_copy2d(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width, size_t height,
                   int kind, void* stream, int waits) {
    if (!width || !height) return OK;
    size_t to_size = to_pitch * (height - 1) + width, from_size = from_pitch * (height - 1) + width;
    if (int error = check_direction(to, to_size, from, from_size, kind)) return error;
    auto copy = [=] {
        trace::note(trace::COPY, "2-D copy", width * height, width * height);
        for (size_t row = 0; row < height; row++)
            memmove((char*)to + row * to_pitch, (const char*)from + row * from_pitch, width);
        return int(OK);
    };
    if (!waits) return submit(stream, {NODE_COPY, from, to, copy});
    if (int error = wait_for_turn(stream)) return error;
    return copy();
}

int pretend_fill(void* to, int value, size_t size, void* stream) {
    if (size == 0) return OK;
    if (!on_device(to, size))
        return refused(INVALID_VALUE, "a fill writes %zu bytes that are not in one block of the device", size);
    return submit(stream, {NODE_FILL, nullptr, to, [=] {
        trace::note(trace::FILL, "fill", 0, size);
        memset(to, value, size);
        return int(OK);
    }});
}

}  // extern "C"
