/* escape.c: text inside HTML and XML, and in a table of Markdown.
 * SPDX-License-Identifier: MIT */
#include "perf/escape.h"

void assay_escape(FILE *f, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", f);
            break;
        case '<':
            fputs("&lt;", f);
            break;
        case '>':
            fputs("&gt;", f);
            break;
        case '"':
            fputs("&quot;", f);
            break;
        default:
            fputc((unsigned char)*text < ' ' ? ' ' : *text, f);
        }
    }
}

void assay_escape_cell(FILE *f, const char *text)
{
    for (; *text; text++) {
        if (*text == '<')
            fputs("&lt;", f);
        else if (*text == '&')
            fputs("&amp;", f);
        else
            fprintf(f, "%s%c", *text == '|' ? "\\" : "", (unsigned char)*text < ' ' ? ' ' : *text);
    }
}
