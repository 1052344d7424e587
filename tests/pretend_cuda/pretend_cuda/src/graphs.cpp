// Captures and the graphs that come out of them.
#include "trace.hpp"

#include <unordered_map>

namespace {

using namespace pretend;

constexpr int ILLEGAL_STATE = 401;
std::unordered_map<void*, std::shared_ptr<Graph>> graphs;  // and what was instantiated from them

Graph* graph_of(void* handle) {
    auto found = graphs.find(handle);
    return found == graphs.end() ? nullptr : found->second.get();
}

void* keep(std::shared_ptr<Graph> graph) { return (graphs[graph.get()] = graph).get(); }

}  // namespace

void pretend::begin(Stream* stream, const std::shared_ptr<Graph>& capture) {
    stream->capture = capture;
    stream->broken = stream->origin = false;
    stream->noted = 0;
    stream->after.clear();
}

extern "C" {

int pretend_capture_begin(void* handle) {
    if (is_default(handle)) return CAPTURE_UNSUPPORTED;
    int error;
    Stream* stream = stream_of(handle, &error);
    if (error) return error;
    if (stream->capture) return ILLEGAL_STATE;
    begin(stream, std::make_shared<Graph>());
    stream->origin = true;
    return OK;
}
int pretend_capture_end(void* handle, void** result) {
    *result = nullptr;
    int error;
    Stream* stream = is_default(handle) ? nullptr : stream_of(handle, &error);
    if (!stream || !stream->capture) return INVALID_VALUE;
    if (!stream->origin) return CAPTURE_UNMATCHED;
    std::shared_ptr<Graph> graph = stream->capture;
    bool broken = false, joined = true;
    for (Stream* other : streams)  // this one, and those that joined its capture
        if (other->capture == graph) {
            broken |= other->broken;
            joined &= other == stream || stream->after[other] >= other->noted;
            other->capture = nullptr;
            other->broken = other->origin = false;
        }
    forget_capture(graph);
    if (broken) return CAPTURE_INVALIDATED;
    if (!joined)
        return refused(CAPTURE_UNJOINED, "the stream does not wait for the last work of another stream of the capture");
    *result = keep(graph);
    return OK;
}
int pretend_capture_status(void* handle, int* status) {
    *status = 0;
    int error;
    if (is_default(handle)) {
        for (Stream* other : streams)
            if ((uintptr_t)handle < 2 && other->capture && other->blocking()) return CAPTURE_IMPLICIT;
        return OK;
    }
    Stream* stream = stream_of(handle, &error);
    if (!stream) return error;
    if (stream->capture) *status = stream->broken ? 2 : 1;
    return OK;
}

int pretend_graph_instantiate(void* handle, void** executable) {
    Graph* graph = graph_of(handle);
    if (!graph) return INVALID_VALUE;
    *executable = keep(std::make_shared<Graph>(*graph));
    return OK;
}
int pretend_graph_destroy(void* graph) { return graphs.erase(graph) ? OK : INVALID_VALUE; }
int pretend_graph_launch(void* executable, void* stream) {
    if (!graph_of(executable)) return INVALID_VALUE;
    return submit(stream, {NODE_KERNEL, nullptr, nullptr, [graph = graphs[executable]] {
        trace::note(trace::GRAPH, "graph");
        for (Node& node : graph->nodes)
            if (int error = node.run()) return error;
        return int(OK);
    }});
}
size_t pretend_graph_size(void* handle) {
    Graph* graph = graph_of(handle);
    return graph ? graph->nodes.size() : 0;
}
int pretend_graph_node(void* handle, size_t n, int* what, const void** from, void** to) {
    Graph* graph = graph_of(handle);
    if (!graph || n >= graph->nodes.size()) return INVALID_VALUE;
    Node& node = graph->nodes[n];
    *what = node.what;
    *from = node.from;
    *to = node.to;
    return OK;
}

}  // extern "C"
