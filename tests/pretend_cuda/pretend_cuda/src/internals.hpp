// What the files of the device share.
#pragma once
#include "device.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace pretend {

long long setting(const char* variable, long long otherwise);  // a number in the environment
// Keep what an error is about, for the message, and return the error.
int refused(int error, const char* format, ...) __attribute__((format(printf, 2, 3)));

// ---------------------------------------------------------------- memory.cpp
struct Block {
    size_t size;
    int kind, device;
    bool owned;  // not registered memory of somebody else
};
const Block* block_of(const void* pointer, size_t* left = nullptr);
bool reaches(int device);  // whether kernels of the current device may read the memory of that one

// ---------------------------------------------------------------- streams.cpp
struct Node {
    int what;  // NODE_KERNEL and the others
    const void* from;
    void* to;
    std::function<int()> run;
};
struct Graph {
    std::vector<Node> nodes;
};
// Work that was given to a stream and is not done yet; empty at all times but where streams are lazy.
struct Queue {
    std::deque<Node> nodes;
    size_t given = 0, done = 0;
};
struct Stream {
    unsigned int flags = 0;  // 1: does not wait for the legacy stream
    int priority = 0;
    std::shared_ptr<Graph> capture;
    bool broken = false, origin = false;
    size_t noted = 0;                          // how much it has given to the capture
    std::unordered_map<Stream*, size_t> after;  // of other streams of the capture, how much comes before what it gives
    std::shared_ptr<Queue> queue = std::make_shared<Queue>();
    int device = pretend_get_device();
    bool blocking() const { return !(flags & 1); }
};
extern std::unordered_set<Stream*> streams;
extern const bool lazy;
bool is_default(void* handle);  // null, the legacy stream, or that of the thread
// The stream of a handle, null for a default one; `error` tells what speaks against work on it.
Stream* stream_of(void* handle, int* error);
bool is_capturing(void* handle);
std::shared_ptr<Queue> queue_of(void* handle);
int run_until(Queue& queue, size_t position);
void put_after(Queue& queue, const std::shared_ptr<Queue>& other, size_t position);
std::vector<std::shared_ptr<Queue>> blocking_queues();
extern std::shared_ptr<Queue> legacy_queue;
int finish(void* handle);  // all that a stream has to do, and what it waits for
int finish_all();
int submit(void* handle, Node node);  // do the work now, or note it where the stream is captured or lazy
int query(Queue& queue, size_t position);  // each time somebody asks, a little more is done

// ---------------------------------------------------------------- graphs.cpp
void begin(Stream* stream, const std::shared_ptr<Graph>& capture);

// ---------------------------------------------------------------- events.cpp
void forget_capture(const std::shared_ptr<Graph>& graph);  // by the events that were recorded in it

// ---------------------------------------------------------------- fibers.cpp
struct Triple {
    unsigned int x, y, z;
};
constexpr int MOST_THREADS = 1024;
// Run a kernel in all threads of the grid. Null, or what went wrong: threads wait for what others never reach. Lenient
// barriers, as GPUs since Volta have them, wait neither for threads that have ended nor for all at the same place.
const char* run_grid(void (*kernel)(void**), void** arguments, Triple grid, Triple block, size_t shared, bool lenient);

}  // namespace pretend
