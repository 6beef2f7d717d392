/* A program of someone else: all that it knows of Furrow is the installed furrow.h. */
#include <furrow.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    furrow_context_t *ctx = NULL;
    furrow_error_t err;
    furrow_range_t last = furrow_split(10, 4, 3);
    int ok;

    if (furrow_context_open(NULL, &ctx, &err) != FURROW_OK) {
        fprintf(stderr, "no context: %s\n", err.text);
        return 1;
    }
    ok = strcmp(furrow_version(), FURROW_VERSION) == 0 && last.start == 8 && last.stop == 10 &&
         furrow_dtype_size(FURROW_F8) == 8 && furrow_context_ranks(ctx) == 1 && furrow_context_threads(ctx) >= 1;
    furrow_context_close(ctx);
    printf("furrow %s %s\n", furrow_version(), ok ? "works" : "gives wrong answers");
    return ok ? 0 : 1;
}
