// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/look_private.h"

#include "base/mem.h"
#include "mime/reading/collect.h"

int
look_patterns_compile(struct look *look, struct err *err)
{
    const struct dissect_setup *setup = look->setup;

    look->patterns = mem_zarray(setup->pattern_count + 1, sizeof(struct pattern *));
    for (size_t i = 0; i < setup->pattern_count; i++) {
        const struct pattern_spec *spec = &setup->patterns[i];

        look->patterns[i] = pattern_new(spec->text, spec->ignore_case, err);
        if (look->patterns[i] == NULL)
            return err_prefix(err, "expression %zu on %s", i, pattern_target_name(spec->target));
    }
    return 0;
}

void
look_patterns_free(struct look *look)
{
    for (size_t i = 0; look->patterns != NULL && i < look->setup->pattern_count; i++)
        pattern_free(&look->patterns[i]);
    mem_free(&look->patterns);
}

struct search { // of one pattern in one message
    const struct look_job *job;
    const struct dissect_query *query;
    uint32_t number;
    bool has_hit;
};

// True: the search is over.
static bool
try(struct search *search, struct span subject)
{
    struct findings *findings = search->job->findings;

    switch (pattern_match(search->job->look->patterns[search->number], subject)) {
    case PATTERN_YES:
        search->has_hit = true;
        return true;
    case PATTERN_LIMIT:
        collect_limit(findings, LIMIT_MATCH, "expression %u ran into its match limit",
                      search->number);
        return true;
    case PATTERN_NO:
        break;
    }
    return false;
}

static void
search_rcpts(struct search *search)
{
    for (size_t i = 0; i < search->query->rcpt_count; i++) {
        bool is_over = try(search, search->query->rcpts[i]);

        if (search->has_hit)
            collect_hit(search->job->findings, search->number, (uint32_t)i);
        else if (is_over)
            return;
        search->has_hit = false;
    }
}

static void
search_subject(struct search *search)
{
    const struct finding_header *header;

    for (size_t n = 0;; n++) {
        header = findings_header(search->job->findings, "subject", n);
        if (header == NULL || try(search, header->decoded))
            return;
    }
}

static void
search_headers(struct search *search)
{
    const struct findings *findings = search->job->findings;
    bool is_over = false;

    for (size_t i = 0; i < findings->header_count && !is_over; i++) {
        const struct finding_header *header = &findings->headers[i];
        struct buf line;

        buf_init(&line, header->name.len + 2 + header->decoded.len);
        (void)buf_add_span(&line, header->name);
        (void)buf_add_text(&line, ": ");
        (void)buf_add_span(&line, header->decoded);
        is_over = try(search, buf_span(&line));
        buf_clear(&line);
    }
}

static void
search_names(struct search *search)
{
    const struct findings *findings = search->job->findings;

    for (size_t i = 0; i < findings->part_count; i++) {
        for (size_t n = 0; n < findings->parts[i].name_count; n++) {
            if (try(search, findings->parts[i].names[n]))
                return;
        }
    }
    for (size_t i = 0; i < findings->member_count; i++) {
        if (try(search, findings->members[i].name))
            return;
    }
}

static void
search_types(struct search *search)
{
    const struct findings *findings = search->job->findings;

    for (size_t i = 0; i < findings->part_count; i++) {
        if (try(search, findings->parts[i].type) || try(search, findings->parts[i].sniffed))
            return;
    }
    for (size_t i = 0; i < findings->member_count; i++) {
        if (try(search, findings->members[i].sniffed))
            return;
    }
}

static void
search_one(struct search *search, enum pattern_target target)
{
    const struct span envelope[PATTERN_TARGET_COUNT] = {
        [PATTERN_FROM] = search->query->from,
        [PATTERN_HELO] = search->query->helo,
        [PATTERN_USER] = search->query->user,
        [PATTERN_CLIENT_NAME] = search->query->client_name,
    };
    void (*const searches[PATTERN_TARGET_COUNT])(struct search *) = {
        [PATTERN_TO] = search_rcpts,        [PATTERN_SUBJECT] = search_subject,
        [PATTERN_HEADER] = search_headers,  [PATTERN_ATTACHMENT] = search_names,
        [PATTERN_MIME_TYPE] = search_types,
    };

    if (searches[target] != NULL)
        searches[target](search);
    else
        (void)try(search, envelope[target]);
}

void
look_patterns(const struct look_job *job, const struct dissect_query *query)
{
    const struct dissect_setup *setup = job->look->setup;
    const bool had_limit = job->findings->limit != LIMIT_NONE;

    // One that runs into its limit ends it: what is not searched costs no time, and the message
    // counts as one that cannot be judged.
    for (size_t i = 0; i < setup->pattern_count; i++) {
        struct search search = {.job = job, .query = query, .number = (uint32_t)i};

        search_one(&search, setup->patterns[i].target);
        if (search.has_hit)
            collect_hit(job->findings, (uint32_t)i, FINDING_ALL_RCPTS);
        if (!had_limit && job->findings->limit != LIMIT_NONE)
            return;
    }
}
