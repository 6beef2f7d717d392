/* A training loop's loader: the pictures of a folder in batches, in another order each epoch, decoded while the caller
 * works on the batch before.
 *
 *     load_batches FOLDER BATCH EPOCHS [HEIGHT WIDTH]
 *
 * Prints a line for each epoch. Under mpirun each rank gets its part of every batch. */
#include <furrow_images.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Here a program would train: batch->data holds batch->count pictures of batch->shape. Says how many cannot be read. */
static int64_t use(const furrow_listing_t *listing, const furrow_batch_t *batch)
{
    for (int64_t i = 0; i < batch->rejected; i++)
        (void)fprintf(stderr, "%s: %s\n", furrow_listing_name(listing, batch->list[i].image), batch->list[i].text);
    return batch->rejected;
}

static furrow_status_t read_all(furrow_batches_t *batches, const furrow_listing_t *listing, bool talks,
                                furrow_error_t *err)
{
    int64_t images = 0, rejected = 0;
    double start = seconds();
    furrow_batch_t batch;
    furrow_status_t status;

    while ((status = furrow_batches_next(batches, &batch, err)) == FURROW_OK) {
        images += batch.count;
        rejected += use(listing, &batch);
        if (batch.position.batch + 1 < furrow_batches_count(batches)) continue; /* it is not the last of its epoch */
        const double end = seconds();
        if (talks)
            printf("epoch %lld: %lld images, %lld rejected, %.6f s\n", (long long)batch.position.epoch,
                   (long long)images, (long long)rejected, end - start);
        start = end;
        images = rejected = 0;
    }
    return status == FURROW_EEMPTY ? FURROW_OK : status;
}

int main(int argc, char **argv)
{
    furrow_batches_opts_t opts = {.image = FURROW_IMAGE_OPTS_INIT, .shuffle = true, .seed = 1};
    const char *const folder = argc > 1 ? argv[1] : NULL;
    furrow_batches_t *batches = NULL;
    furrow_listing_t *listing = NULL;
    furrow_context_t *ctx;
    furrow_error_t err;

    if (argc != 4 && argc != 6) {
        (void)fprintf(stderr, "load_batches FOLDER BATCH EPOCHS [HEIGHT WIDTH]\n");
        return 2;
    }
    opts.batch = atoll(argv[2]);
    opts.epochs = atoll(argv[3]);
    opts.image.height = argc == 6 ? atoll(argv[4]) : 0;
    opts.image.width = argc == 6 ? atoll(argv[5]) : 0;
    if (furrow_context_open(NULL, &ctx, &err) != FURROW_OK) return 1;
    furrow_status_t status = furrow_listing_open(ctx, &folder, 1, false, &listing, &err);
    if (status == FURROW_OK) status = furrow_batches_open(ctx, listing, &opts, &batches, &err);
    if (status == FURROW_OK) status = read_all(batches, listing, furrow_context_rank(ctx) == 0, &err);
    if (status != FURROW_OK && furrow_context_rank(ctx) == 0) (void)fprintf(stderr, "load_batches: %s\n", err.text);
    furrow_batches_free(batches);
    furrow_listing_free(listing);
    furrow_context_close(ctx);
    return status == FURROW_OK ? 0 : 1;
}
