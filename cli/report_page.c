/* The page around the sections: style, the script that sorts tables, and small HTML helpers.
 *
 * The page asks for nothing from anywhere: its policy forbids all requests, and runs no script but
 * the one below, by its hash. tests/test_report.sh computes the hash anew. */
#include "cli/plain_text.h"
#include "cli/report.h"

#include <math.h>
#include <string.h>

static const char style[] =
    "body{margin:0 auto;max-width:60rem;padding:1rem;font:1rem/1.5 system-ui,sans-serif;"
    "color:#1b1b1b;background:#fff;overflow-wrap:anywhere}"
    "h1{font-size:1.6rem;line-height:1.25;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem}"
    ".quiet{color:#555;font-size:.9rem}"
    ".answer{border:2px solid #0072b2;border-radius:.5rem;padding:.75rem 1rem;margin:1rem 0}"
    ".answer .what{font-size:1.25rem;font-weight:600;margin:0 0 .5rem}"
    ".facts{display:flex;flex-wrap:wrap;gap:.75rem 2.5rem;margin:.5rem 0;padding:0;"
    "list-style:none}.facts li{min-width:9rem}.facts li *{display:block}"
    ".facts strong{font-size:1.25rem}.facts span,.facts small{color:#555;font-size:.85rem}"
    "figure{margin:1rem 0;overflow-x:auto}"
    "figure svg{display:block;width:100%;max-width:100%;height:auto}"
    "figcaption{color:#555;font-size:.85rem;position:sticky;left:0}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}"
    "caption{text-align:left;color:#555;font-size:.85rem;padding:.25rem 0}"
    "th,td{padding:.25rem .6rem;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}"
    ".wide td,.wide th{overflow-wrap:normal}td.n,th.n{text-align:right;white-space:nowrap;"
    "font-variant-numeric:tabular-nums}tr.chosen{background:#e3f0f8;font-weight:600}"
    "tfoot td{font-weight:600;border-top:2px solid #555}"
    "th button{all:unset;cursor:pointer}th button:focus-visible{outline:2px solid #0072b2}"
    "th[aria-sort] button::after{content:' \\2191'}"
    "th[aria-sort=descending] button::after{content:' \\2193'}"
    ".status-assumed td:nth-child(3){font-weight:600}code{font-size:.9em}"
    "#assumptions{table-layout:fixed}"
    "#assumptions td,#provenance td,#ledger td,.wide caption{overflow-wrap:anywhere}"
    "#assumptions th:first-child{width:30%}#assumptions th:nth-child(2){width:20%}"
    "#assumptions th:nth-child(3){width:11%}"
    "@media(max-width:60rem){th,td{padding:.25rem .35rem}table{font-size:.85rem}}"
    /* Phones: pictures fit and grow when touched; tables with words stack, tables of numbers slide
     * under their first column. */
    "@media screen and (max-width:40rem){body{padding:.6rem}th,td{padding:.2rem .35rem}"
    "figcaption::before{content:'Touch to enlarge. '}"
    "figure:focus svg{width:48rem;max-width:none}"
    "figure:focus figcaption::before{content:'Slide sideways to see all of it. '}"
    "caption{width:calc(100vw - 1.5rem);position:sticky;left:0}"
    "#configurations caption::before{content:'Slide sideways to see all of it. '}"
    "#configurations td:first-child,#configurations th:first-child{position:sticky;left:0;"
    "background:#fff;min-width:7rem}"
    "#configurations tr.chosen td:first-child{background:#e3f0f8}"
    "#assumptions,#ledger,#provenance,#assumptions caption,#ledger caption{display:block}"
    "#assumptions :is(tbody,tfoot,tr),#ledger :is(tbody,tfoot,tr),"
    "#provenance :is(tbody,tr){display:block}"
    "#assumptions thead,#ledger thead,.hint{display:none}"
    "#assumptions :is(td,th),#ledger :is(td,th),#provenance :is(td,th){display:block;border:0;"
    "padding:0;text-align:left;white-space:normal}"
    "#assumptions tr,#ledger tr,#provenance tr{border-bottom:1px solid #ddd;padding:.3rem 0}"
    "#assumptions td:first-child,#ledger td:first-child{font-weight:600}"
    "#assumptions td:nth-child(3)::before{content:'status: '}"
    "#assumptions td:nth-child(4):not(:empty)::before{content:'source: '}"
    "#ledger td:nth-child(n+2){display:inline;padding-right:.35rem}"
    "#ledger td:nth-child(4)::before{content:'at '}#ledger td:nth-child(4)::after{content:' USD'}"
    "#ledger td:nth-child(5)::before{content:'= '}#ledger td:last-child::after{content:' USD'}}"
    "@media "
    "print{body{max-width:none;font-size:10pt}.wide,figure{overflow:visible}th,td{padding:.15rem "
    ".35rem}"
    "figure svg{width:auto;max-width:100%;height:9cm}"
    "figure,tr,.answer{break-inside:avoid}h2{break-after:avoid}.hint{display:none}"
    "th button::after{content:none!important}}";

/* Sorts the tables of class "sortable" when a head is pressed, by data-v where a cell has one. */
static const char script[] =
    "for(const t of document.querySelectorAll('table.sortable')){"
    "const k=document.createElement('span');k.className='hint';"
    "k.append(' A click on a head sorts.');t.caption.append(k);"
    "t.querySelectorAll('thead th').forEach((h,i)=>{const "
    "b=document.createElement('button');b.type='button';b.append(...h.childNodes);h.append(b);"
    "b.onclick=()=>{const d=h.getAttribute('aria-sort')==='ascending'?-1:1;"
    "t.querySelectorAll('th').forEach(o=>o.removeAttribute('aria-sort'));"
    "h.setAttribute('aria-sort',d>0?'ascending':'descending');"
    "const v=r=>{const c=r.cells[i];return c.dataset.v===undefined?c.textContent:+c.dataset.v};"
    "const s=t.tBodies[0];[...s.rows].sort((x,y)=>{const a=v(x),b=v(y);"
    "if(a!==a||b!==b)return(a!==a)-(b!==b);"
    "return d*(typeof a==='string'?a.localeCompare(b):a-b)}).forEach(r=>s.append(r))}})}";

static const char script_hash[] = "sha256-XMP7mlHp38vzUwthHX+5K/DjejwcPPDM1pzFRzkhDDA=";

void report_head(struct text *out, const struct report *r)
{
    const size_t first = r->choice.recommended >= 0 ? (size_t)r->choice.recommended : 0;
    const char *name = report_text(r, first, "scenario");
    text_puts(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                   "style-src 'unsafe-inline'; script-src '");
    text_puts(out, script_hash);
    text_puts(out, "'\">\n<title>");
    text_html(out, name[0] != '\0' ? name : "faascast report");
    text_puts(out, "</title>\n<style>");
    text_puts(out, style);
    text_puts(out, "</style>\n</head>\n<body>\n<main>\n");
    html_element(out, "h1", NULL, name[0] != '\0' ? name : "Results");
}

void report_foot(struct text *out)
{
    text_puts(out, "</main>\n<script>");
    text_puts(out, script);
    text_puts(out, "</script>\n</body>\n</html>\n");
}

/* ---------------------------------------------------------------- helpers */

void html_element(struct text *out, const char *tag, const char *class, const char *words)
{
    text_printf(out, "<%s", tag);
    if (class != NULL) {
        text_printf(out, " class=\"%s\"", class);
    }
    text_puts(out, ">");
    text_html(out, words);
    text_printf(out, "</%s>\n", tag);
}

void html_text_cell(struct text *out, const char *words)
{
    text_puts(out, "<td>");
    text_html(out, words);
    text_puts(out, "</td>");
}

void html_number_cell(struct text *out, double value, const char *words)
{
    text_puts(out, "<td class=\"n\" data-v=\"");
    if (isfinite(value)) {
        text_number(out, value);
    } else {
        text_puts(out, "NaN");
    }
    text_puts(out, "\">");
    text_html(out, words);
    text_puts(out, "</td>");
}
