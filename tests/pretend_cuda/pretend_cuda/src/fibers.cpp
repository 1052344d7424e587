// The threads of a block: fibers of one OS thread, which switch where they wait for one another.
#include "internals.hpp"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#if !defined(__x86_64__)
#error "pretend_switch is written for x86-64"
#endif

using pretend::Triple;

extern "C" {
// The built-in variables of kernels, see pretend_cuda.hpp.
Triple pretend_thread, pretend_block, pretend_block_dim, pretend_grid_dim;
char* pretend_dynamic_shared;
void pretend_switch(void** save, void* load);
}

// Put the callee-saved registers on this stack, keep where it ends, and go on with the other stack.
asm(R"(
.text
.globl pretend_switch
.hidden pretend_switch
.type pretend_switch,@function
pretend_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size pretend_switch,.-pretend_switch
)");

namespace {

using pretend::MOST_THREADS;

constexpr size_t STACK = 256 << 10;
enum State { ENDED, READY, AT_BARRIER, AT_WARP };
struct Fiber {
    void* top = nullptr;
    State state = ENDED;
    Triple thread;
    int number = 0;
    int place = 0;               // of the barrier at which it waits
    unsigned int exchanges = 0;  // how often it has given a value to its warp
};
struct Warp {
    unsigned long long values[2][32];  // of this exchange and of the one before, which a slow lane may still read
    unsigned int alive[2];
};

void (*kernel)(void**);
void** arguments;
void* scheduler;
Fiber fibers[MOST_THREADS];
Warp warps[MOST_THREADS / 32];
int running = -1;
bool in_launch = false;

[[noreturn]] void die(const char* why) {
    fprintf(stderr, "pretend_cuda: %s\n", why);
    abort();
}

// A fiber takes one thread after another and never returns.
void fiber_main() {
    for (;;) {
        kernel(arguments);
        Fiber& own = fibers[running];
        own.state = ENDED;
        pretend_switch(&own.top, scheduler);
    }
}

void prepare(Fiber& fiber) {
    if (fiber.top) return;
    char* low = (char*)mmap(nullptr, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (low == MAP_FAILED) die("no memory for the stack of a thread");
    mprotect(low, 4096, PROT_NONE);  // a stack that overflows ends the process here and not elsewhere
    // Stacks that all end at the same place of a page would push one another out of the cache.
    static size_t made = 0;
    void** top = (void**)(low + STACK - made++ * 448 % (32 << 10));
    *--top = nullptr;  // so that fiber_main finds the stack as after a call
    *--top = (void*)fiber_main;
    for (int i = 0; i < 6; i++) *--top = nullptr;
    fiber.top = top;
}

void resume(int which) {
    running = which;
    pretend_thread = fibers[which].thread;
    pretend_switch(&scheduler, fibers[which].top);
}

void wait_as(State state) {
    Fiber& own = fibers[running];
    own.state = state;
    pretend_switch(&own.top, scheduler);
}

// Let the lanes of a warp go on that have all come to its exchange, those that have ended left out.
bool release_warp(int first, int end) {
    unsigned int alive = 0, exchange = 0;
    for (int i = first; i < end; i++) {
        if (fibers[i].state == ENDED) continue;
        if (fibers[i].state != AT_WARP) return false;
        alive |= 1u << (fibers[i].number & 31);
        exchange = fibers[i].exchanges;
    }
    if (!alive) return false;
    warps[first / 32].alive[exchange & 1] = alive;
    for (int i = first; i < end; i++)
        if (fibers[i].state == AT_WARP) fibers[i].state = READY;
    return true;
}

// Why the threads of a block that wait, none of them for its warp alone, cannot go on; null where they can.
const char* check_barrier(int count, bool lenient) {
    int at_barrier = 0, ended = 0, elsewhere = 0, place = 0;
    for (int i = 0; i < count; i++) {
        Fiber& fiber = fibers[i];
        ended += fiber.state == ENDED;
        if (fiber.state != AT_BARRIER) continue;
        if (!at_barrier++) place = fiber.place;
        elsewhere += fiber.place != place;
    }
    int at_warp = count - at_barrier - ended;
    if (!at_warp && (lenient || (!ended && !elsewhere))) return nullptr;
    static char why[200];
    int used = snprintf(why, sizeof why, "of the %d threads of a block %d wait at __syncthreads()", count, at_barrier);
    auto add = [&](int number, const char* what) {
        if (number) used += snprintf(why + used, sizeof why - used, ", %d %s", number, what);
    };
    add(elsewhere, "of them at another one");
    add(at_warp, "for others of their warp");
    add(ended, "have ended");
    return why;
}

// Let threads go on where all that are left wait: warps first, else all, at a barrier. Null, or why none can.
const char* release(int count, bool lenient) {
    bool any = false;
    for (int first = 0; first < count; first += 32) any |= release_warp(first, first + 32 < count ? first + 32 : count);
    if (any) return nullptr;
    if (const char* why = check_barrier(count, lenient)) return why;
    for (int i = 0; i < count; i++)
        if (fibers[i].state == AT_BARRIER) fibers[i].state = READY;
    return nullptr;
}

Triple thread_at(int number) {
    return {number % pretend_block_dim.x, number / pretend_block_dim.x % pretend_block_dim.y,
            number / pretend_block_dim.x / pretend_block_dim.y};
}

// Run all threads of a block, each first until it waits or ends. A thread that never waits hands its stack to the next
// one, so that a kernel without barriers costs two switches for each thread, and one stack.
const char* run_block(int count, bool lenient) {
    bool waiting = false;
    for (int i = 0; i < count; i++) {
        Fiber& fiber = fibers[i];
        prepare(fiber);
        fiber.thread = thread_at(i);
        fiber.number = i;
        fiber.exchanges = 0;
        fiber.state = READY;
        resume(i);
        if (fiber.state != ENDED) waiting = true;
        else if (i + 1 < count) std::swap(fiber.top, fibers[i + 1].top);
    }
    for (bool forward = false; waiting; forward = !forward) {  // turns in changing order: a missing barrier shows
        if (const char* why = release(count, lenient)) return why;
        waiting = false;
        for (int i = 0; i < count; i++) {
            int which = forward ? i : count - 1 - i;
            if (fibers[which].state == READY) resume(which);
            waiting |= fibers[which].state != ENDED;
        }
    }
    return nullptr;
}

}  // namespace

const char* pretend::run_grid(void (*run)(void**), void** given, Triple grid, Triple block, size_t shared, bool lenient) {
    if (in_launch) die("a launch within a launch");
    in_launch = true;
    kernel = run;
    arguments = given;
    static std::vector<char> shared_memory;
    if (shared_memory.size() < shared + 64) shared_memory.resize(shared + 64);
    pretend_dynamic_shared = (char*)(((uintptr_t)shared_memory.data() + 63) & ~(uintptr_t)63);
    pretend_grid_dim = grid;
    pretend_block_dim = block;
    const char* why = nullptr;
    for (unsigned int z = 0; z < grid.z && !why; z++)
        for (unsigned int y = 0; y < grid.y && !why; y++)
            for (unsigned int x = 0; x < grid.x && !why; x++) {
                pretend_block = {x, y, z};
                why = run_block(block.x * block.y * block.z, lenient);
            }
    in_launch = false;
    if (why)
        for (Fiber& fiber : fibers)  // they hold stacks in the middle of a kernel
            if (fiber.top) fiber = Fiber();
    return why;
}

extern "C" {

void pretend_syncthreads(int place) {
    fibers[running].place = place;
    wait_as(AT_BARRIER);
}

const unsigned long long* pretend_warp(unsigned long long value, unsigned int* alive) {
    Fiber& own = fibers[running];
    Warp& warp = warps[own.number / 32];
    unsigned int which = ++own.exchanges & 1;
    warp.values[which][own.number & 31] = value;
    wait_as(AT_WARP);
    *alive = warp.alive[which];
    return warp.values[which];
}

}  // extern "C"
