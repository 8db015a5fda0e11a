# Which uncertain inputs move the answer: each at its 5th and 95th percentile, the others as they are.
# quantity: "time" or "cost"; bars, name[1..bars]: the inputs, widest first.
# Columns: bar, low, high, base (s or USD): the answer at either end of the input, and as it is.

stats data using "high" name "H" nooutput
stats data using "low" name "L" nooutput
stats data using "base" name "B" nooutput
top = H_max > L_max ? H_max : L_max
low = L_min < H_min ? L_min : H_min
unit = quantity eq "time" ? time_unit(top) : 1.0
set xlabel quantity eq "time" ? "time (" . time_word(unit) . ")" : "cost (USD per training run)"
span = top > low ? top - low : top > 0 ? top : 1
set xrange [(low - 0.08*span)/unit : (top + 0.08*span)/unit]
set yrange [-0.7 : bars - 0.3]
set border 1
set grid noytics
set lmargin at screen 0.42
set ytics scale 0 font small_font
set ytics (name[1] bars - 1)
do for [i=1:bars] { set ytics add (name[i] bars - i) }
set style fill solid 1.0 border lc rgb "#FFFFFF"
place(b) = bars - b
half = 0.34
set arrow from B_min/unit, graph 0 to B_min/unit, graph 1 nohead front lc rgb "#111111" lw 1.5

plot data using ((column("low") + column("base"))/2/unit):(place(column("bar"))):(column("base")/unit):(column("low")/unit):(place(column("bar")) - half):(place(column("bar")) + half) \
         with boxxyerror lc rgb "#0072B2" title "input at its 5th percentile", \
     data using ((column("high") + column("base"))/2/unit):(place(column("bar"))):(column("base")/unit):(column("high")/unit):(place(column("bar")) - half):(place(column("bar")) + half) \
         with boxxyerror lc rgb "#F5B342" title "input at its 95th percentile", \
     NaN with lines lc rgb "#111111" lw 1.5 title "as it is"
unset output
