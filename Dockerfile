# syntax=docker/dockerfile:1
FROM node:22-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build

# The bundle needs Node, git and an SSH client; nothing else is added, and no shell is used.
FROM node:22-bookworm-slim
RUN apt-get update \
 && apt-get install --no-install-recommends -y git openssh-client ca-certificates \
 && rm -rf /var/lib/apt/lists/* /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn*
COPY --from=build /src/dist /app/dist
COPY --from=build /src/LICENSE /app/LICENSE
RUN ln -s /app/dist/millrace.js /usr/local/bin/millrace
USER 65532:65532
ENV NODE_ENV=production HOME=/tmp
ENTRYPOINT ["node", "/app/dist/millrace.js"]
CMD ["run"]
