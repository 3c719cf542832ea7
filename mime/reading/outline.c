// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/outline.h"

#include <gmime/gmime.h>

// A stream of GMime's over memory that tells where it is read.
struct told_stream {
    GMimeStreamMem memory;
    struct ebb *ebb;
};

static ssize_t
read_told(GMimeStream *stream, char *out, size_t len)
{
    struct told_stream *told = (struct told_stream *)stream;
    GMimeStreamClass *memory = g_type_class_peek(GMIME_TYPE_STREAM_MEM);

    ebb_at(told->ebb, (const char *)told->memory.buffer->data + stream->position);
    return memory->read(stream, out, len);
}

static void
init_class(void *class, void *unused)
{
    (void)unused;
    GMIME_STREAM_CLASS(class)->read = read_told;
}

static GType
told_type(void)
{
    static const char name[] = "PosternToldStream";
    GType type = g_type_from_name(name);

    if (type != 0)
        return type;
    return g_type_register_static_simple(GMIME_TYPE_STREAM_MEM, name, sizeof(GMimeStreamMemClass),
                                         init_class, sizeof(struct told_stream), NULL, 0);
}

void
outline_init(void)
{
    g_mime_init();
    (void)told_type();
}

static GMimeStream *
new_stream(struct ebb *ebb)
{
    struct told_stream *told = g_object_new(told_type(), NULL);

    told->ebb = ebb;
    g_mime_stream_construct(&told->memory.parent_object, 0, -1);
    return &told->memory.parent_object;
}

static GMimeObject *
parse(struct span text, struct ebb *ebb)
{
    // Borrowed, not copied: the array is taken apart again before anybody frees it.
    GByteArray *bytes = g_byte_array_new_take((guint8 *)(uintptr_t)text.data, text.len);
    GMimeStream *stream = new_stream(ebb);
    GMimeParser *parser;
    GMimeObject *object;

    g_mime_stream_mem_set_byte_array(GMIME_STREAM_MEM(stream), bytes);
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
    parser = g_mime_parser_new_with_stream(stream);
    g_mime_parser_set_format(parser, GMIME_FORMAT_MESSAGE);
    g_mime_parser_set_persist_stream(parser, TRUE);
    // As a part: a message's addresses would be parsed, too, and 300,000 of them take 131 MB.
    object = g_mime_parser_construct_part(parser, NULL);
    g_object_unref(parser);
    g_object_unref(stream);
    // What holds substreams of it only asks for their bounds from here on.
    g_byte_array_free(bytes, FALSE);
    return object;
}

static void
tell_leaf(GMimeObject *object, outline_found *found, void *arg)
{
    GMimeDataWrapper *content = g_mime_part_get_content(GMIME_PART(object));
    GMimeHeaderList *fields = g_mime_object_get_header_list(object);
    GMimeStream *stream = content == NULL ? NULL : g_mime_data_wrapper_get_stream(content);
    struct outline_leaf leaf;
    gint64 first;

    if (stream == NULL || stream->bound_end < stream->bound_start)
        return;
    leaf = (struct outline_leaf){.head_begin = (size_t)stream->bound_start,
                                 .body_begin = (size_t)stream->bound_start,
                                 .body_end = (size_t)stream->bound_end};
    if (g_mime_header_list_get_count(fields) > 0) {
        first = g_mime_header_get_offset(g_mime_header_list_get_header_at(fields, 0));
        if (first >= 0 && first <= stream->bound_start)
            leaf.head_begin = (size_t)first;
    }
    found(arg, &leaf);
}

static void
push(GQueue *open, GMimeObject *object)
{
    if (object != NULL)
        g_queue_push_head(open, object);
}

int
outline_read(struct span text, struct ebb *ebb, outline_found *found, void *arg)
{
    GMimeObject *top = text.len == 0 ? NULL : parse(text, ebb);
    GQueue open = G_QUEUE_INIT;

    if (top == NULL)
        return -1;
    push(&open, top);
    while (!g_queue_is_empty(&open)) {
        GMimeObject *object = g_queue_pop_head(&open);

        if (GMIME_IS_MULTIPART(object)) {
            for (int i = g_mime_multipart_get_count(GMIME_MULTIPART(object)); i > 0; i--)
                push(&open, g_mime_multipart_get_part(GMIME_MULTIPART(object), i - 1));
        } else if (GMIME_IS_MESSAGE_PART(object)) {
            GMimeMessage *message = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));

            push(&open, message == NULL ? NULL : g_mime_message_get_mime_part(message));
        } else if (GMIME_IS_PART(object)) {
            tell_leaf(object, found, arg);
        }
    }
    g_object_unref(top);
    return 0;
}
