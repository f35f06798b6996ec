set -e
umask 077
printf 'TOKEN=%s\n' "$TOKEN" >/etc/pages.env
systemctl daemon-reload
systemctl enable pages
systemctl restart pages
echo "The pages are served on port 8080."
