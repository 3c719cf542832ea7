// SPDX-License-Identifier: BSD-2-Clause
#include "filters/content.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

enum { MEMORY_MAX = 256 << 10, BLOCK = 64 << 10 };

enum alone_state { ALONE_NONE, ALONE_MAKING, ALONE_READY };

struct waiter { // for the descriptor
    struct waiter *next;
    int *fd_out;
    content_done *done;
    void *arg;
    bool is_due;
};

struct content {
    struct loop *loop;
    struct pool *pool;
    struct span memory;
    int fd, dir_fd;
    uint64_t offset, len;
    size_t running; // reads and copies, each of which keeps it alive
    bool is_freed;  // by its owner
    enum alone_state alone;
    int alone_fd;
    struct waiter *waiters; // in order
    struct err alone_err;
    struct loop_deferred tell;
};

struct content_read {
    struct pool_job job;
    struct loop_deferred deferred; // where it is in memory
    struct content *content;
    uint64_t offset;
    char *data;  // the caller's; NULL: cancelled
    char *block; // the thread's, since the caller's may be gone
    size_t len;
    int result;
    struct err err;
    content_done *done;
    void *arg;
};

struct copy {
    struct pool_job job;
    struct content *content;
    int fd;
    char *memory; // of its own; NULL: it comes from the file
    int result;
    struct err err;
};

static bool
is_in_memory(const struct content *content)
{
    return content->fd < 0;
}

struct content *
content_new(struct loop *loop, struct pool *pool, const struct content_source *source)
{
    struct content *content = mem_zalloc(sizeof(*content));

    content->loop = loop;
    content->pool = pool;
    content->memory = source->memory;
    content->fd = source->fd_take;
    content->offset = is_in_memory(content) ? 0 : source->offset;
    content->len = is_in_memory(content) ? source->memory.len : source->len;
    content->dir_fd = source->dir_fd;
    content->alone_fd = source->is_alone ? content->fd : -1;
    content->alone = source->is_alone ? ALONE_READY : ALONE_NONE;
    return content;
}

static void
release(struct content *content)
{
    if (!content->is_freed || content->running > 0)
        return;
    loop_undefer(content->loop, &content->tell);
    if (content->fd >= 0)
        close(content->fd);
    if (content->alone_fd >= 0 && content->alone_fd != content->fd)
        close(content->alone_fd);
    mem_free(&content);
}

static void
end_one(struct content *content)
{
    content->running--;
    release(content);
}

void
content_free(struct content **content_in)
{
    struct content *content = *content_in;

    if (content == NULL)
        return;
    *content_in = NULL;
    content->is_freed = true;
    while (content->waiters != NULL) {
        struct waiter *first = content->waiters;

        content->waiters = first->next;
        mem_free(&first);
    }
    release(content);
}

uint64_t
content_len(const struct content *content)
{
    return content->len;
}

struct span
content_memory(const struct content *content)
{
    return is_in_memory(content) ? content->memory : (struct span){NULL, 0};
}

static int
read_all(const struct content *content, uint64_t offset, char *data, size_t len, struct err *err)
{
    ssize_t got = fs_read_at(content->fd, data, len, (off_t)(content->offset + offset), err);

    if (got < 0 || (size_t)got == len)
        return got < 0 ? -1 : 0;
    return err_set(err, ERR_TEMP, "the message ends too early: %zd of %zu bytes at %llu", got, len,
                   (unsigned long long)offset);
}

static void
on_read_work(struct pool_job *job)
{
    struct content_read *read = (struct content_read *)job;

    read->result = read_all(read->content, read->offset, read->block, read->len, &read->err);
}

// The last thing it does is to call done: the caller may free what it likes there.
static void
finish_read(struct content_read *read)
{
    struct content_read own = *read;
    bool is_wanted = read->data != NULL && !read->content->is_freed;

    if (is_wanted && own.result == 0 && own.len > 0)
        memcpy(own.data, own.block, own.len);
    if (!is_in_memory(own.content))
        mem_free(&own.block);
    mem_free(&read);
    end_one(own.content);
    if (is_wanted)
        own.done(own.arg, own.result == 0 ? NULL : &own.err);
}

static void
on_read_done(struct pool_job *job)
{
    finish_read((struct content_read *)job);
}

static void
on_read_deferred(void *arg)
{
    finish_read(arg);
}

bool
content_read_now(const struct content *content, uint64_t offset, char *data, size_t len)
{
    assert(offset <= content->len && len <= content->len - offset);
    if (!is_in_memory(content))
        return fs_read_cached(content->fd, data, len, (off_t)(content->offset + offset));
    if (len > 0)
        memcpy(data, content->memory.data + offset, len);
    return true;
}

struct content_read *
content_read_start(struct content *content, uint64_t offset, char *data, size_t len,
                   content_done *done, void *arg)
{
    struct content_read *read = mem_zalloc(sizeof(*read));

    assert(data != NULL && offset <= content->len && len <= content->len - offset);
    *read = (struct content_read){
        .content = content, .offset = offset, .data = data, .len = len, .done = done, .arg = arg};
    content->running++;
    if (is_in_memory(content)) {
        read->block = (char *)span_skip(content->memory, (size_t)offset).data;
        read->deferred = (struct loop_deferred){.run = on_read_deferred, .arg = read};
        loop_defer(content->loop, &read->deferred);
        return read;
    }
    read->block = mem_zarray(len + 1, 1);
    read->job = (struct pool_job){.work = on_read_work, .done = on_read_done};
    pool_submit(content->pool, &read->job);
    return read;
}

void
content_read_cancel(struct content_read **read_in)
{
    struct content_read *read = *read_in;

    if (read == NULL)
        return;
    *read_in = NULL;
    read->data = NULL;
    if (!is_in_memory(read->content))
        return;
    loop_undefer(read->content->loop, &read->deferred);
    finish_read(read);
}

// Those that have asked by now: who asks again from done has to wait for an answer of its own.
static void
tell_waiters(struct content *content)
{
    struct err err = content->alone_err;
    bool has_failed = content->alone != ALONE_READY;

    for (struct waiter *waiter = content->waiters; waiter != NULL; waiter = waiter->next)
        waiter->is_due = true;
    content->running++;
    while (content->waiters != NULL && content->waiters->is_due) {
        struct waiter first = *content->waiters;

        mem_free(&content->waiters);
        content->waiters = first.next;
        if (!has_failed)
            *first.fd_out = content->alone_fd;
        first.done(first.arg, has_failed ? &err : NULL);
    }
    end_one(content);
}

static void
on_tell(void *arg)
{
    tell_waiters(arg);
}

static int
copy_file(const struct content *content, int to, struct err *err)
{
    char *block = mem_zalloc(BLOCK);
    uint64_t done = 0;
    int result = 0;

    while (result == 0 && done < content->len) {
        size_t len = content->len - done < BLOCK ? (size_t)(content->len - done) : BLOCK;

        result = read_all(content, done, block, len, err);
        if (result == 0)
            result = fs_write_all_at(to, block, len, (off_t)done, err);
        done += len;
    }
    mem_free(&block);
    return result;
}

static void
on_copy_work(struct pool_job *job)
{
    struct copy *copy = (struct copy *)job;
    const struct content *content = copy->content;

    copy->fd = content->len <= MEMORY_MAX ? fs_memory_file("message", &copy->err)
                                          : fs_unnamed_file(content->dir_fd, &copy->err);
    if (copy->fd < 0)
        copy->result = -1;
    else if (copy->memory != NULL)
        copy->result = fs_write_all_at(copy->fd, copy->memory, (size_t)content->len, 0, &copy->err);
    else
        copy->result = copy_file(content, copy->fd, &copy->err);
}

static void
on_copy_done(struct pool_job *job)
{
    struct copy *copy = (struct copy *)job;
    struct content *content = copy->content;

    content->alone = copy->result == 0 ? ALONE_READY : ALONE_NONE;
    content->alone_err = copy->err;
    if (copy->result == 0)
        content->alone_fd = copy->fd;
    else if (copy->fd >= 0)
        close(copy->fd);
    mem_free(&copy->memory);
    mem_free(&copy);
    if (!content->is_freed)
        tell_waiters(content);
    end_one(content);
}

static void
start_copy(struct content *content)
{
    struct copy *copy = mem_zalloc(sizeof(*copy));

    copy->content = content;
    // What is borrowed may be gone before the thread comes to it.
    if (is_in_memory(content))
        copy->memory = mem_strndup(content->memory.data, content->memory.len);
    copy->job = (struct pool_job){.work = on_copy_work, .done = on_copy_done};
    content->running++;
    content->alone = ALONE_MAKING;
    pool_submit(content->pool, &copy->job);
}

// From memory to memory nothing can block: a thread would only cost time.
static void
copy_at_once(struct content *content)
{
    int fd = fs_memory_file("message", &content->alone_err);

    if (fd >= 0 && fs_write_all_at(fd, content->memory.data, content->memory.len, 0,
                                   &content->alone_err) != 0) {
        close(fd);
        fd = -1;
    }
    content->alone_fd = fd;
    content->alone = fd < 0 ? ALONE_NONE : ALONE_READY;
    loop_defer(content->loop, &content->tell);
}

static void
add_waiter(struct content *content, int *fd_out, content_done *done, void *arg)
{
    struct waiter **end = &content->waiters;

    while (*end != NULL)
        end = &(*end)->next;
    *end = mem_zalloc(sizeof(**end));
    **end = (struct waiter){.fd_out = fd_out, .done = done, .arg = arg};
}

void
content_alone(struct content *content, int *fd_out, content_done *done, void *arg)
{
    add_waiter(content, fd_out, done, arg);
    content->tell.run = on_tell;
    content->tell.arg = content;
    if (content->alone == ALONE_READY)
        loop_defer(content->loop, &content->tell);
    else if (content->alone == ALONE_NONE && is_in_memory(content) && content->len <= MEMORY_MAX)
        copy_at_once(content);
    else if (content->alone == ALONE_NONE)
        start_copy(content);
}

void
content_alone_cancel(struct content *content, void *arg)
{
    for (struct waiter **at = &content->waiters; *at != NULL;) {
        struct waiter *waiter = *at;

        if (waiter->arg != arg) {
            at = &waiter->next;
            continue;
        }
        *at = waiter->next;
        mem_free(&waiter);
    }
}
