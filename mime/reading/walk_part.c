// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/walk_private.h"

#include <inttypes.h>

enum { DECODED_FIELD_MAX = 1 << 20 };

static struct span
parameter_of(const struct words_value *value, const char *name)
{
    const struct words_parameter *parameter = words_find(value, name);

    return parameter == NULL ? span_of("") : parameter->value;
}

static struct span
lower_copy(struct findings *findings, struct span text)
{
    struct span copy = collect_text(findings, text);
    char *data = (char *)(uintptr_t)copy.data;

    for (size_t i = 0; i < copy.len; i++) {
        if (data[i] >= 'A' && data[i] <= 'Z')
            data[i] = (char)(data[i] - 'A' + 'a');
    }
    return copy;
}

static void
add_names(struct walker *walker, struct finding_part *part, const struct words_value *values,
          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < values[i].count; n++) {
            const struct words_parameter *item = &values[i].parameters[n];

            // Some look for either in both fields.
            if (!span_is(item->name, "name") && !span_is(item->name, "filename"))
                continue;
            collect_name(walker->findings, part, item->value);
            for (size_t k = 0; k < item->other_count; k++)
                collect_name(walker->findings, part, item->others[k]);
        }
    }
}

static bool
names_differ(const struct entity *entity)
{
    struct span name = parameter_of(entity_type(entity), "name");
    struct span filename = span_of("");

    if (entity->disposition_count > 0)
        filename = parameter_of(&entity->dispositions[entity->disposition_count - 1], "filename");
    return name.len > 0 && filename.len > 0 && !span_equal(name, filename);
}

struct condition {
    bool holds;
    enum finding_defect defect;
};

static void
mark_all(struct findings *findings, uint32_t part, const struct condition *conditions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (conditions[i].holds)
            collect_mark(findings, conditions[i].defect, part);
    }
}

static void
mark_part(struct walker *walker, const struct entity *entity, uint32_t index)
{
    const struct words_value *type = entity_type(entity);
    const struct words_oddities *odd = &entity->oddities;
    const bool is_repeated =
        entity->type_count > 1 || entity->encoding_count > 1 || entity->disposition_count > 1;
    const bool is_multipart = entity_is_multipart(type);
    const struct condition conditions[] = {
        {is_repeated,                                 DEFECT_REPEATED_TYPE     },
        {odd->repeated_parameter,                     DEFECT_REPEATED_PARAMETER},
        {odd->bad_word,                               DEFECT_BAD_ENCODED_WORD  },
        {odd->unknown_charset,                        DEFECT_UNKNOWN_CHARSET   },
        {is_multipart && entity->is_odd_boundary,     DEFECT_ODD_BOUNDARY      },
        {is_multipart && entity->boundary_count == 0, DEFECT_NO_BOUNDARY       },
        {names_differ(entity),                        DEFECT_NAMES_DIFFER      },
        {span_is(type->main,                          "message/partial"),        DEFECT_PARTIAL},
        {span_is(type->main,                                           "message/external-body"),                                                   DEFECT_EXTERNAL_BODY},
        {index > 0 && (entity->junk_at > 0 || entity->fields_begin > 0 || entity->is_all_body),
         DEFECT_BAD_FIELD},
    };
    const struct finding_part *part = &walker->findings->parts[index];

    mark_all(walker->findings, index, conditions, sizeof(conditions) / sizeof(conditions[0]));
    for (size_t i = 0; i < part->name_count; i++) {
        if (words_is_bad_name(part->names[i])) {
            collect_mark(walker->findings, DEFECT_BAD_NAME, index);
            break;
        }
    }
    if (entity->is_excessive)
        collect_limit(walker->findings, LIMIT_PARAMETERS,
                      "a part with more than %d fields of one name, or %" PRIu64 " parameters",
                      ENTITY_FIELDS_MAX, walker->in->limits->max_parameters);
}

static enum finding_kind
kind_of(const struct entity *entity, const struct task *task)
{
    const struct words_value *type = entity_type(entity);

    if (span_starts_nocase(type->main, "multipart"))
        return FINDING_MULTIPART;
    if (entity_is_message(type) || (task->is_digest && entity->type_count == 0))
        return FINDING_MESSAGE;
    return FINDING_LEAF;
}

static bool
is_encrypted_type(const struct words_value *type)
{
    return span_is(type->main, "multipart/encrypted") ||
           (span_is(type->main, "application/pkcs7-mime") &&
            !span_is_nocase(parameter_of(type, "smime-type"), "signed-data") &&
            !span_is_nocase(parameter_of(type, "smime-type"), "certs-only"));
}

static void
fill_part(struct walker *walker, struct finding_part *part, const struct task *task,
          const struct entity *entity)
{
    struct findings *findings = walker->findings;
    const struct words_value *type = entity_type(entity);

    part->kind = kind_of(entity, task);
    part->type = lower_copy(findings, type->main);
    part->charset = lower_copy(findings, parameter_of(type, "charset"));
    if (entity->encoding_count > 0)
        part->encoding = lower_copy(findings, entity->encodings[entity->encoding_count - 1]);
    if (entity->disposition_count > 0)
        part->disposition =
            lower_copy(findings, entity->dispositions[entity->disposition_count - 1].main);
    part->is_encrypted = is_encrypted_type(type);
    part->head_begin = task->begin;
    part->body_begin = task->begin + entity->body_begin;
    add_names(walker, part, entity->types, entity->type_count);
    add_names(walker, part, entity->dispositions, entity->disposition_count);
}

int32_t
walk_part_add(struct walker *walker, const struct task *task, const struct entity *entity)
{
    const struct dissect_settings *limits = walker->in->limits;
    struct finding_part *part;

    if (walker->findings->part_count >= limits->max_parts) {
        collect_limit(walker->findings, LIMIT_PARTS, "more than %" PRIu64 " parts",
                      limits->max_parts);
        return -1;
    }
    if (task->depth > limits->max_depth) {
        collect_limit(walker->findings, LIMIT_DEPTH, "parts in parts, deeper than %" PRIu64,
                      limits->max_depth);
        return -1;
    }
    part = collect_part(walker->findings);
    if (part == NULL)
        return -1;
    *part = (struct finding_part){.parent = task->parent,
                                  .depth = task->depth,
                                  .kind = FINDING_LEAF,
                                  .reading = task->reading,
                                  .is_located = task->source->is_message,
                                  .head_begin = task->begin,
                                  .body_begin = task->begin,
                                  .body_end = task->end};
    if (entity != NULL)
        fill_part(walker, part, task, entity);
    if (!part->is_located)
        part->head_begin = part->body_begin = part->body_end = 0;
    if (entity != NULL)
        mark_part(walker, entity, (uint32_t)walker->findings->part_count - 1);
    return (int32_t)walker->findings->part_count - 1;
}

static void
add_header(const struct walk *walk, const struct prescan_field *field,
           struct words_oddities *oddities)
{
    struct span raw = span_from(walk->message.data + field->value, field->end - field->value);
    struct finding_header *header = collect_header(walk->findings);
    struct buf decoded;

    if (header == NULL)
        return;
    if (raw.len > 0 && raw.data[raw.len - 1] == '\n')
        raw.len--;
    if (raw.len > 0 && raw.data[raw.len - 1] == '\r')
        raw.len--;
    buf_init(&decoded, DECODED_FIELD_MAX);
    (void)words_decode(walk->charsets, raw, &decoded, oddities);
    header->name =
        collect_text(walk->findings, span_from(walk->message.data + field->begin, field->name_len));
    header->raw = collect_text(walk->findings, raw);
    header->decoded = collect_text(walk->findings, span_trim(buf_span(&decoded)));
    header->offset = field->begin;
    header->len = field->end - field->begin;
    buf_clear(&decoded);
}

static void
mark_headers(const struct walk *walk, const struct words_oddities *oddities)
{
    static const char *const single[] = {"from",       "sender", "subject", "date",
                                         "message-id", "to",     "cc",      "reply-to"};
    const struct prescan *prescan = walk->prescan;
    bool is_repeated = false;

    for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
        is_repeated = is_repeated || findings_header(walk->findings, single[i], 1) != NULL;
    mark_all(walk->findings, 0,
             (const struct condition[]){
                 {prescan->has_no_header,         DEFECT_NO_HEADER      },
                 {prescan->has_mbox_from,         DEFECT_MBOX_FROM      },
                 {prescan->has_bad_field,         DEFECT_BAD_FIELD      },
                 {prescan->has_nul,               DEFECT_NUL            },
                 {prescan->has_bare_cr,           DEFECT_BARE_CR        },
                 {prescan->has_long_line,         DEFECT_LONG_LINE      },
                 {prescan->has_raw_8bit,          DEFECT_RAW_8BIT_HEADER},
                 {is_repeated,                    DEFECT_REPEATED_FIELD },
                 {findings_header(walk->findings, "from",                 0) == NULL, DEFECT_NO_FROM},
                 {oddities->bad_word,                DEFECT_BAD_ENCODED_WORD                                     },
                 {oddities->unknown_charset,DEFECT_UNKNOWN_CHARSET},
    },
             11);
}

void
walk_part_headers(const struct walk *walk)
{
    struct words_oddities oddities = {false};

    walk->findings->header_len = walk->prescan->header_len;
    for (size_t i = 0; i < walk->prescan->field_count; i++)
        add_header(walk, &walk->prescan->fields[i], &oddities);
    mark_headers(walk, &oddities);
}
