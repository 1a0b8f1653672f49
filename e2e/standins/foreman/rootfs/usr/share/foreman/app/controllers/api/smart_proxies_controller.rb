module Api
  class SmartProxiesController < BaseController
    def index
      render_list(searched(SmartProxy.order(:name), %w[id name url]))
    end

    def show
      shown = proxy.as_json
      shown[:status] = proxy.status if params[:include_status] == 'true'
      shown[:version] = proxy.version['version'] if params[:include_version] == 'true'
      render json: shown
    end

    def version
      render json: { result: proxy.version }
    end

    def create
      render json: SmartProxy.create!(given), status: :created
    end

    def update
      render json: proxy.tap { |found| found.update!(given) }
    end

    def refresh
      render json: proxy.tap(&:save!)
    end

    def destroy
      return render json: proxy if proxy.destroy
      render json: { error: { id: proxy.id, errors: proxy.errors.to_hash, full_messages: proxy.errors.full_messages } }, status: :unprocessable_entity
    end

    private

    def proxy
      @proxy ||= SmartProxy.find_by(name: params[:id]) || SmartProxy.find(params[:id])
    end

    def given
      params.require(:smart_proxy).permit(:name, :url, organization_ids: [], location_ids: [])
    end
  end
end
