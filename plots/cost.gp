# Dollars of one training run against workers.
# series, name[1..series]: the lines; bands: 1 when intervals were simulated; published: 1 when points
# of a paper are there.
# Columns: series, published (0 or 1), workers, cost_usd, cost_usd_lo, cost_usd_hi.

stats data using "workers" name "X" nooutput
stats data using "cost_usd" name "Y" nooutput
set xlabel "workers (functions or machines)"
set ylabel "cost (USD per training run)"
if (X_max > 64 && X_max > 16*X_min) {
    set logscale x 2
    set xrange [X_min/1.2 : X_max*1.2]
} else {
    set xrange [0 : X_max*1.04]
}
if (Y_min > 0 && Y_max > 30*Y_min) {
    eval log_axis("y")
} else {
    set yrange [0 : *]
}
mine(i, p) = int(column("series")) == i && int(column("published")) == p

plot for [i=1:series*bands] data using (mine(i,0) ? column("workers") : NaN):"cost_usd_lo":"cost_usd_hi" \
         with filledcurves fs transparent solid 0.18 noborder lc rgb colour(i) notitle, \
     for [i=1:series] data using (mine(i,0) ? column("workers") : NaN):"cost_usd" with linespoints ls i title name[i], \
     for [i=1:series*published] data using (mine(i,1) ? column("workers") : NaN):"cost_usd" \
         with points pt open_point(i) ps 1.8*point lw 2 lc rgb colour(i) notitle, \
     for [i=1:published] NaN with points pt open_point(i) ps 1.8*point lw 2 lc rgb "#333333" title published ? "published (open signs)" : ""
unset output
