# Where the time goes: phases stacked, against workers.
# bars: 1 for bars, 0 for areas when there are many numbers of workers.
# Columns: workers, startup_s, load_s, compute_s, exchange_s, wait_s, checkpoint_s, time_s.
# The colours differ in lightness, so that the stack reads in grey.

stats data using "time_s" name "Y" nooutput
stats data using "workers" name "X" nooutput
unit_s = time_unit(Y_max)
phases = "startup_s load_s compute_s exchange_s wait_s checkpoint_s"
array phase[6]
phase[1] = "start-up"; phase[2] = "loading"; phase[3] = "computing"
phase[4] = "exchange"; phase[5] = "waiting"; phase[6] = "checkpoints"
tint(k) = word("#1A1A5E #45A795 #0072B2 #F5B342 #882255 #E6E6E6", k)
height(k) = (sum [j=1:k] column(word(phases, j)))/unit_s
half = 0.38

set ylabel "time (" . time_word(unit_s) . ")"
set xlabel "workers (functions or machines)"
set yrange [0 : Y_max/unit_s*1.1]
set grid noxtics
set style fill solid 1.0 border lc rgb "#FFFFFF"
if (bars) {
    set xrange [-0.7 : Y_records - 0.3]
    set xtics scale 0
    plot for [k=6:1:-1] data using 0:(height(k)):($0 - half):($0 + half):(0):(height(k)):xticlabels(sprintf("%g", column("workers"))) \
             with boxxyerror lc rgb tint(k) title phase[k], \
         data using 0:(height(6)):(sprintf("%.3g", height(6))) with labels offset 0,0.7 font letter(12) textcolor rgb "#222222" notitle
} else {
    set xrange [X_min : X_max]
    set yrange [0 : Y_max/unit_s*1.05]
    if (X_max > 16*X_min) { set logscale x 2 }
    plot for [k=6:1:-1] data using "workers":(height(k)) with filledcurves y1=0 lc rgb tint(k) title phase[k]
}
unset output
