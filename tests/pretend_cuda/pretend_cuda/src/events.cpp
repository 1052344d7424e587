// Events: a place in the queue of a stream.
#include "trace.hpp"

namespace {

using namespace pretend;

struct Event {
    unsigned int flags = 0;  // 2: no timing
    int device = pretend_get_device();
    bool recorded = false;
    std::shared_ptr<Queue> queue;  // it comes when so much of it is done
    size_t position = 0;
    std::chrono::steady_clock::time_point when;
    std::shared_ptr<Graph> capture;  // of the stream on which it was recorded under capture
    std::unordered_map<Stream*, size_t> after;  // what comes before it in the capture, of each stream
};
std::unordered_set<Event*> events;

bool has_time(Event* event) { return events.count(event) && event->recorded && !(event->flags & 2); }

}  // namespace

void pretend::forget_capture(const std::shared_ptr<Graph>& graph) {
    for (Event* event : events)
        if (event->capture == graph) event->capture = nullptr;
}

extern "C" {

int pretend_event_create(void** result, unsigned int flags) {
    Event* event = new Event;
    event->flags = flags;
    events.insert(event);
    *result = event;
    return OK;
}
int pretend_event_destroy(void* handle) {
    if (!events.erase((Event*)handle)) return INVALID_HANDLE;
    delete (Event*)handle;
    return OK;
}
int pretend_event_record(void* handle, void* on) {
    Event* event = (Event*)handle;
    if (!events.count(event)) return INVALID_HANDLE;
    int error;
    Stream* stream = stream_of(on, &error);
    if (error) return error;
    if (event->device != (stream ? stream->device : pretend_get_device()))
        return refused(INVALID_HANDLE, "an event of device %d is recorded on a stream of another one", event->device);
    event->recorded = true;
    event->when = std::chrono::steady_clock::now();
    event->capture = stream ? stream->capture : nullptr;
    event->after.clear();
    if (event->capture) {
        event->after = stream->after;
        event->after[stream] = stream->noted;
    }
    event->queue = queue_of(on);
    if (lazy && event->queue == legacy_queue)  // it comes after the blocking streams too
        for (auto& other : blocking_queues()) put_after(*event->queue, other, other->given);
    event->position = event->queue->given;
    return OK;
}
int pretend_event_wait(void* handle) {
    Event* event = (Event*)handle;
    if (!events.count(event)) return INVALID_HANDLE;
    if (event->capture) return CAPTURED_EVENT;
    trace::note(trace::WAIT, "for an event");
    return event->queue ? run_until(*event->queue, event->position) : int(OK);
}
int pretend_event_query(void* handle) {
    Event* event = (Event*)handle;
    if (!events.count(event)) return INVALID_HANDLE;
    if (event->capture) return CAPTURED_EVENT;
    return event->queue ? query(*event->queue, event->position) : int(OK);
}
int pretend_event_elapsed(void* start, void* end, float* milliseconds) {
    Event *a = (Event*)start, *b = (Event*)end;
    if (!has_time(a) || !has_time(b)) return INVALID_HANDLE;
    *milliseconds = std::chrono::duration<float, std::milli>(b->when - a->when).count();
    return OK;
}
int pretend_stream_wait_event(void* handle, void* event_handle) {
    Event* event = (Event*)event_handle;
    if (!events.count(event)) return INVALID_HANDLE;
    int error;
    Stream* stream = stream_of(handle, &error);
    if (error) return error;
    if (event->capture) {
        if (!stream) return CAPTURE_IMPLICIT;
        if (!stream->capture) begin(stream, event->capture);  // it joins
        for (auto& [other, noted] : event->after)
            if (stream->after[other] < noted) stream->after[other] = noted;
    } else if (!(stream && stream->capture) && event->queue) {
        put_after(*queue_of(handle), event->queue, event->position);
    }
    return OK;
}

}  // extern "C"
