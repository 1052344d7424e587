# Captures and graphs. Included by runtime.pyx.
cpdef streamBeginCapture(intptr_t stream, int mode=2):
    check_status(pretend_capture_begin(<void*>stream))

cpdef intptr_t streamEndCapture(intptr_t stream) except? 0:
    cdef void* graph
    check_status(pretend_capture_end(<void*>stream, &graph))
    return <intptr_t>graph

cpdef bint streamIsCapturing(intptr_t stream) except*:
    cdef int status
    check_status(pretend_capture_status(<void*>stream, &status))
    if status == 2:
        raise RuntimeError("the stream was capturing, but an error has invalidated the capture sequence")
    return status == 1

cpdef graphDestroy(intptr_t graph):
    check_status(pretend_graph_destroy(<void*>graph))

cpdef graphExecDestroy(intptr_t graphExec):
    check_status(pretend_graph_destroy(<void*>graphExec))

cpdef intptr_t graphInstantiate(intptr_t graph) except? 0:
    cdef void* executable
    check_status(pretend_graph_instantiate(<void*>graph, &executable))
    return <intptr_t>executable

cpdef graphLaunch(intptr_t graphExec, intptr_t stream):
    check_status(pretend_graph_launch(<void*>graphExec, <void*>stream))

cpdef graphUpload(intptr_t graphExec, intptr_t stream):
    pass

cpdef graphDebugDotPrint(intptr_t graph, str path, unsigned int flags):
    names = {NODE_KERNEL: "kernel", NODE_COPY: "memcpy", NODE_FILL: "memset", NODE_HOST: "host"}
    nodes = [f'    {n} [label="{names[node[0]]}"]' for n, node in enumerate(pretend_graph_nodes(graph))]
    edges = [f"    {n} -> {n + 1}" for n in range(len(nodes) - 1)]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(["digraph {", *nodes, *edges, "}"]) + "\n")


def pretend_graph_nodes(intptr_t graph):
    """(what, from, to) of each node: 0 a kernel, 1 a copy, 2 a fill, 3 a call on the host."""
    cdef int what
    cdef const void* src
    cdef void* to
    nodes = []
    for n in range(pretend_graph_size(<void*>graph)):
        check_status(pretend_graph_node(<void*>graph, n, &what, &src, &to))
        nodes.append((what, <intptr_t>src, <intptr_t>to))
    return nodes
