// What the device does while somebody traces it: a record for each launch, product, copy, fill, allocation and wait.
#pragma once
#include "internals.hpp"

namespace pretend::trace {

enum Kind { LAUNCH, PRODUCT, COPY, FILL, ALLOCATION, RELEASE, WAIT, GRAPH };  // as KINDS in trace.py

void note(Kind kind, const char* name, uint64_t read = 0, uint64_t written = 0);
void launch_begins();
void launch_ends(const char* name, Triple grid, Triple block, unsigned int shared);

}  // namespace pretend::trace
