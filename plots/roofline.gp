# Roofline of the meta-learning kernel (Williams, Waterman and Patterson 2009): GFLOP/s of every measured
# configuration against its FLOP per byte of saved tensors written and read once.
# series, name[1..series]: algorithms; peak (GFLOP/s), bandwidth (GB/s) of one core.
# Columns: series, flop_per_byte, gflop_per_s.

stats data using "flop_per_byte" name "X" nooutput
stats data using "gflop_per_s" name "Y" nooutput
set xlabel "arithmetic intensity (FLOP per byte of saved tensors)"
set ylabel "rate (GFLOP/s, one thread)"
ridge = peak/bandwidth
x_low = (X_min < ridge ? X_min : ridge)/3
x_top = (X_max > ridge ? X_max : ridge)*2
y_low = (Y_min < x_low*bandwidth ? Y_min : x_low*bandwidth)/1.5
eval log_axis("x")
eval log_axis("y")
set xrange [x_low : x_top]
set yrange [y_low : peak*1.6]
roof(x) = x*bandwidth < peak ? x*bandwidth : peak
mine(i) = int(column("series")) == i ? column("flop_per_byte") : NaN
set samples 400

plot roof(x) with lines lc rgb "#333333" lw 2 title sprintf("roof: %.0f GFLOP/s, %.1f GB/s", peak, bandwidth), \
     for [i=1:series] data using (mine(i)):"gflop_per_s" with points ls i ps 1.1*point title name[i]
unset output
