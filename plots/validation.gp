# Predicted against measured. series, name[1..series]: tables; unit: of both axes.
# Columns: series, measured, predicted, low, high (interval of the prediction).

stats data using "measured" name "X" nooutput
stats data using "predicted" name "Y" nooutput
least = X_min < Y_min ? X_min : Y_min
most = X_max > Y_max ? X_max : Y_max
stats data using (column("high") == column("high") ? column("high") : column("predicted")) name "H" nooutput
top = H_max > most && H_max < 2*most ? H_max : most
set xlabel "measured (" . unit . ")"
set ylabel "predicted (" . unit . ")"
wide = most > 10*least
if (wide) {
    eval log_axis("x")
    eval log_axis("y")
    set xrange [least/1.25 : most*1.25]
    set yrange [least/1.25 : top*1.25]
} else {
    set xrange [0 : most*1.1]
    set yrange [0 : top*1.1]
}
set samples 2
low = wide ? least/1.25 : 0
mine(i) = int(column("series")) == i ? column("measured") : NaN

plot [low : most*1.25] x with lines lc rgb "#333333" lw 1.2 title "equal", \
     1.1*x with lines ls 20 title "10 % off", 0.9*x with lines ls 20 notitle, \
     1.2*x with lines lc rgb "#AAAAAA" lw 1.2 dt (2,4) title "20 % off", 0.8*x with lines lc rgb "#AAAAAA" lw 1.2 dt (2,4) notitle, \
     data using (column("low") == column("low") ? column("measured") : NaN):"predicted":"low":"high" with yerrorbars lc rgb "#888888" lw 1 pt 0 notitle, \
     for [i=1:series] data using (mine(i)):"predicted" with points ls i ps 1.1*point title name[i]
unset output
