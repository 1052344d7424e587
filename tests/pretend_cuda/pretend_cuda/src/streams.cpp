// Streams: work is done at once, noted by a capture, or kept in a queue where streams are lazy.
#include "trace.hpp"

#include <string>

namespace pretend {

std::unordered_set<Stream*> streams;

// PRETEND_CUDA_LAZY=1: a stream does nothing before somebody waits for it, as late as CUDA allows. Whoever forgets to
// wait, or gives away memory that work under way goes on to use, sees what was there before.
const bool lazy = setting("PRETEND_CUDA_LAZY", 0);
std::shared_ptr<Queue> legacy_queue = std::make_shared<Queue>();
static std::shared_ptr<Queue> thread_queue = std::make_shared<Queue>();

bool is_default(void* handle) { return (uintptr_t)handle <= 2; }

static bool is_legacy(void* handle) { return (uintptr_t)handle <= 1; }

Stream* stream_of(void* handle, int* error) {
    *error = OK;
    if (is_default(handle)) {
        // The legacy stream waits for all blocking streams, one under capture among them.
        if (is_legacy(handle))
            for (Stream* other : streams)
                if (other->capture && other->blocking()) {
                    other->broken = true;
                    *error = CAPTURE_IMPLICIT;
                }
        return nullptr;
    }
    Stream* stream = static_cast<Stream*>(handle);
    if (!streams.count(stream)) {
        *error = INVALID_HANDLE;
        return nullptr;
    }
    if (stream->capture && stream->broken) *error = CAPTURE_INVALIDATED;
    return stream;
}

bool is_capturing(void* handle) {
    return !is_default(handle) && streams.count((Stream*)handle) && ((Stream*)handle)->capture;
}

std::shared_ptr<Queue> queue_of(void* handle) {
    if (!is_default(handle)) return static_cast<Stream*>(handle)->queue;
    return is_legacy(handle) ? legacy_queue : thread_queue;
}

int run_until(Queue& queue, size_t position) {
    while (queue.done < position && !queue.nodes.empty()) {
        Node node = std::move(queue.nodes.front());
        queue.nodes.pop_front();
        int error = node.run();
        queue.done++;
        if (error) return error;
    }
    return OK;
}

static void add(Queue& queue, Node node) {
    queue.nodes.push_back(std::move(node));
    queue.given++;
}

// What comes next in a queue comes after what another one had been given at that position.
void put_after(Queue& queue, const std::shared_ptr<Queue>& other, size_t position) {
    if (&queue == other.get() || other->done >= position) return;
    add(queue, {NODE_HOST, nullptr, nullptr, [other, position] { return run_until(*other, position); }});
}

// The queues that the legacy stream waits for, and that wait for it.
std::vector<std::shared_ptr<Queue>> blocking_queues() {
    std::vector<std::shared_ptr<Queue>> found{thread_queue};
    for (Stream* stream : streams)
        if (stream->blocking()) found.push_back(stream->queue);
    return found;
}

int finish(void* handle) {
    if (!lazy) return OK;
    std::shared_ptr<Queue> queue = queue_of(handle);
    if (queue == legacy_queue)
        for (auto& other : blocking_queues())
            if (int error = run_until(*other, other->given)) return error;
    return run_until(*queue, queue->given);
}

int finish_all() {
    if (!lazy) return OK;
    for (Stream* stream : streams)
        if (int error = run_until(*stream->queue, stream->queue->given)) return error;
    return finish(nullptr);
}

int submit(void* handle, Node node) {
    int error;
    Stream* stream = stream_of(handle, &error);
    if (error) return error;
    if (stream && stream->capture) {
        stream->capture->nodes.push_back(std::move(node));
        stream->noted++;
        return OK;
    }
    if (!lazy) return node.run();
    std::shared_ptr<Queue> queue = queue_of(handle);
    if (queue == legacy_queue) {
        for (auto& other : blocking_queues()) put_after(*queue, other, other->given);
    } else if (!stream || stream->blocking()) {
        put_after(*queue, legacy_queue, legacy_queue->given);
    }
    add(*queue, std::move(node));
    return OK;
}

int query(Queue& queue, size_t position) {
    if (queue.done >= position) return OK;
    if (int error = run_until(queue, queue.done + 1)) return error;
    return queue.done >= position ? OK : NOT_READY;
}

}  // namespace pretend

using namespace pretend;

extern "C" {

int pretend_stream_create(void** result, unsigned int flags, int priority) {
    Stream* stream = new Stream;
    stream->flags = flags;
    stream->priority = priority;
    streams.insert(stream);
    *result = stream;
    return OK;
}
int pretend_stream_destroy(void* handle) {
    if (is_default(handle) || !streams.count((Stream*)handle)) return INVALID_HANDLE;
    int error = finish(handle);
    streams.erase((Stream*)handle);
    delete (Stream*)handle;
    return error;
}
int pretend_stream_flags(void* handle, unsigned int* flags, int* priority) {
    *flags = *priority = 0;
    if (is_default(handle)) return OK;
    if (!streams.count((Stream*)handle)) return INVALID_HANDLE;
    *flags = ((Stream*)handle)->flags;
    *priority = ((Stream*)handle)->priority;
    return OK;
}
int pretend_stream_wait(void* handle) {
    int error;
    Stream* stream = stream_of(handle, &error);
    if (error) return error;
    if (stream && stream->capture) {
        stream->broken = true;
        return CAPTURE_UNSUPPORTED;
    }
    trace::note(trace::WAIT, "for a stream");
    return finish(handle);
}
int pretend_device_wait() {
    trace::note(trace::WAIT, "for the device");
    bool any = false;
    for (Stream* stream : streams)
        if (stream->capture) any = stream->broken = true;
    return any ? int(CAPTURE_UNSUPPORTED) : finish_all();
}
int pretend_stream_query(void* handle) {
    int error;
    Stream* stream = stream_of(handle, &error);
    if (error) return error;
    if (stream && stream->capture) return pretend_stream_wait(handle);
    std::shared_ptr<Queue> queue = queue_of(handle);
    return query(*queue, queue->given);
}
int pretend_stream_finish(void* handle) { return is_capturing(handle) ? int(OK) : finish(handle); }
int pretend_host_call(void* stream, void (*call)(void*), void* data) {
    return submit(stream, {NODE_HOST, nullptr, nullptr, [=] { call(data); return int(OK); }});
}
int pretend_stream_submit(void* stream, void (*call)(void*), const void* data, size_t size) {
    std::string kept((const char*)data, size);
    return submit(stream, {NODE_KERNEL, nullptr, nullptr, [=] { call((void*)kept.data()); return int(OK); }});
}

}  // extern "C"
