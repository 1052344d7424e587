// See trace.hpp. Kernels are compiled with the hooks of a race detector (-fsanitize=thread), which call the functions
// __tsan_… below before each load and store; the detector itself is not linked. So the bytes of a launch are those that
// its threads touch, each once however often they do: what would cross the bus of a device with perfect caches.
#include "trace.hpp"

#include <cstring>

namespace pretend::trace {

namespace {

struct Record {  // as _Record in trace.py
    int32_t kind;
    uint32_t grid[3], block[3], shared;
    uint64_t read, written;
    char name[96];
};
bool on = false;
std::vector<Record> records;

// ---------------------------------------------------------------- the bytes that a launch touches
constexpr unsigned char READ = 1, WRITTEN = 2;  // READ: before the launch wrote there
constexpr uintptr_t PAGE_BITS = 16, PAGE = uintptr_t(1) << PAGE_BITS;
constexpr size_t RECENT = 64;
struct Page {
    uintptr_t number;
    unsigned char touched[PAGE];
};
bool launching = false;
std::unordered_map<uintptr_t, std::unique_ptr<Page>> pages;  // of this launch
std::vector<std::unique_ptr<Page>> spare;
Page* recent[RECENT];

Page& page_of(uintptr_t address) {
    uintptr_t number = address >> PAGE_BITS;
    Page*& cached = recent[number % RECENT];
    if (cached && cached->number == number) return *cached;
    std::unique_ptr<Page>& found = pages[number];
    if (!found) {
        if (spare.empty()) spare.emplace_back(new Page);
        found = std::move(spare.back());
        spare.pop_back();
        found->number = number;
        memset(found->touched, 0, PAGE);
    }
    return *(cached = found.get());
}

void touch_each(const void* pointer, size_t size, bool written) {
    uintptr_t address = (uintptr_t)pointer;
    for (size_t i = 0; launching && i < size; i++) {
        unsigned char& flag = page_of(address + i).touched[(address + i) % PAGE];
        if (written) flag |= WRITTEN;
        else if (!(flag & WRITTEN)) flag |= READ;
    }
}

// The same for a number that lies at a multiple of its size, with a flag in each byte of a word.
template <class Word> void touch(const void* pointer, bool written) {
    if (!launching) return;
    uintptr_t address = (uintptr_t)pointer;
    if (address % sizeof(Word)) return touch_each(pointer, sizeof(Word), written);
    constexpr Word ONES = Word(0x0101010101010101ull);
    Word& flags = *(Word*)(page_of(address).touched + address % PAGE);
    flags |= written ? Word(ONES * WRITTEN) : Word(ONES & ~(flags >> 1));
}

// What was touched of the device's memory; stacks and shared memory are touched too.
void count(const Page& page, Record& record) {
    uintptr_t first = page.number << PAGE_BITS;
    for (uintptr_t i = 0; i < PAGE;) {
        if (!page.touched[i]) {
            i++;
            continue;
        }
        size_t left = 0;
        const Block* block = block_of((const void*)(first + i), &left);
        uintptr_t end = block ? i + left : i + 1;
        for (; i < end && i < PAGE; i++) {
            if (!block || block->kind == KIND_HOST) continue;
            record.read += page.touched[i] & READ;
            record.written += (page.touched[i] & WRITTEN) != 0;
        }
    }
}

}  // namespace

void note(Kind kind, const char* name, uint64_t read, uint64_t written) {
    if (!on) return;
    Record record{};
    record.kind = kind;
    record.read = read;
    record.written = written;
    strncpy(record.name, name, sizeof record.name - 1);
    records.push_back(record);
}

void launch_begins() { launching = on; }

void launch_ends(const char* name, Triple grid, Triple block, unsigned int shared) {
    if (!launching) return;
    launching = false;
    note(LAUNCH, name);
    Record& record = records.back();
    memcpy(record.grid, &grid, sizeof record.grid);
    memcpy(record.block, &block, sizeof record.block);
    record.shared = shared;
    for (auto& [number, page] : pages) {
        count(*page, record);
        spare.push_back(std::move(page));
    }
    pages.clear();
    memset(recent, 0, sizeof recent);
}

}  // namespace pretend::trace

using namespace pretend;

extern "C" {

// ---------------------------------------------------------------- for trace.py
void pretend_trace(int on) {
    if (on) trace::records.clear();
    trace::on = on;
}
size_t pretend_trace_size() { return trace::records.size(); }
const void* pretend_trace_records() { return trace::records.data(); }
void pretend_trace_product(const char* name, uint64_t read, uint64_t written, const uint32_t* sizes) {
    trace::note(trace::PRODUCT, name, read, written);
    if (trace::on) memcpy(trace::records.back().grid, sizes, sizeof trace::records.back().grid);
}

// ---------------------------------------------------------------- for kernels
#define HOOKS(size, Word)                                                                                              \
    void __tsan_read##size(void* p) { trace::touch<Word>(p, false); }                                                  \
    void __tsan_write##size(void* p) { trace::touch<Word>(p, true); }                                                  \
    void __tsan_unaligned_read##size(void* p) { trace::touch<Word>(p, false); }                                        \
    void __tsan_unaligned_write##size(void* p) { trace::touch<Word>(p, true); }
HOOKS(1, uint8_t)
HOOKS(2, uint16_t)
HOOKS(4, uint32_t)
HOOKS(8, uint64_t)
#undef HOOKS
void __tsan_read_range(void* p, size_t size) { trace::touch_each(p, size, false); }
void __tsan_write_range(void* p, size_t size) { trace::touch_each(p, size, true); }
void __tsan_read16(void* p) { trace::touch_each(p, 16, false); }
void __tsan_write16(void* p) { trace::touch_each(p, 16, true); }
void __tsan_unaligned_read16(void* p) { trace::touch_each(p, 16, false); }
void __tsan_unaligned_write16(void* p) { trace::touch_each(p, 16, true); }
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_init() {}

}  // extern "C"
